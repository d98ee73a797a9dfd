import { it } from 'vitest';
import { startServer } from './harness.ts';
it('probe', async () => {
  const s = await startServer();
  const show = async (m: string, p: string, body?: unknown, h?: Record<string,string>) => { const a = await s.request(m, p, body, h); console.log(m, p, a.status, a.text.slice(0, 400), JSON.stringify([...a.headers].filter(([n])=>['allow','content-type','www-authenticate'].includes(n)))); };
  await s.request('POST','/v1/changes',[
    {resource:{type:'HCP',id:'11'},action:'create',actor:{type:'user',id:'u1',loginName:'test.user'},occurredAt:'2015-04-06T08:29:15.399Z',after:{attributes:{FirstName:[{value:'A'}]}}},
    {resource:{type:'HCP',id:'11'},action:'update',actor:{type:'user',id:'u1',loginName:'test.user'},occurredAt:'2015-04-06T08:31:11.535Z',after:{attributes:{FirstName:[{value:'B'}]}},context:{ip:'::ffff:1.2.3.4'}},
    {resource:{type:'HCP',id:'a/b'},action:'create',actor:{type:'user',id:'u1'},after:{x:1}},
  ]);
  await show('GET','/reltio/api/default/entities/11/_changes?order=asc');
  await show('GET','/reltio/api/default/entities/a%2Fb/_changes');
  await show('GET','/reltio/api/default/entities/11/_changes?filter=changes(configuration/entityTypes/HCP/attributes/FirstName)%20and%20lt(timestamp,1428308955400)');
  await show('GET',`/reltio/api/default/entities/11/_changes?filter=equals(type,'x)`);
  await show('GET','/reltio/api/default/entities/11/_changesWithTotal?max=1');
  await show('GET','/reltio/api/default/entities/11');
  await show('GET','/reltio/api/default/entities/11?time=1428308955399');
  await show('GET','/reltio/api/default/entities/11?time=1428308955398');
  await show('GET','/reltio/api/default/entities/12');
  await show('GET','/reltio/api/nope/entities/12');
  await show('GET','/reltio/foo'); await show('GET','/reltio'); await show('GET','/reltio/%zz'); 
  await show('POST','/reltio/api/default/entities/11/_changes','{bad', {'content-type':'text/plain'});
  await show('OPTIONS','/reltio/api/default/entities/11/_changes');
  await show('POST','/reltio/foo','{bad');
  await show('HEAD','/reltio/api/default/entities/11');
  await show('GET','/reltio/api/default/entities/11', undefined, {authorization:'Bearer nope'});
  await show('GET','/reltio/api/default/entities/11', undefined, {authorization:''});
  await show('GET','/reltio/api/default/entities/'+'x'.repeat(5000));
  for (const p of ['/history','/history/','/history/?ip_address=1.2.3.4','/history/?page=2','/history?page_size=1&page=2','/history?timestamp_after=x','/history?timestamp_after=9999-12-31','/history?timestamp_before=2015-04-06T14:01:11.535+05:30','/history/foo','/historyx','/history?action_type=CREATE&object_id=11','/history/%zz']) await show('GET',p);
  await show('POST','/history/','{bad');
  await show('DELETE','/history');
  await show('GET','/history',undefined,{authorization:''});
  await s.stop();
});
