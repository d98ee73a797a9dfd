import { startServer } from './harness.ts';
import { request, Agent } from 'node:http';
import { makeRandom } from './random.ts';
import { mutate } from './mutations.ts';
const s = await startServer('memory:');
const PATHS = ['/zitadel.management.v1.ManagementService/ListOrgChanges','/grpc.health.v1.Health/Check'];
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const random = makeRandom();
let prev='';
for (let i=0;i<3000;i++) {
  const m = mutate(random,'',PATHS,[s.token]); if (!m.path.startsWith('/')) m.path='/'+m.path; if (random.chance(.8)) {m.method='POST'; m.body='{"query":{}';}
  await new Promise<void>((r)=>{ const {hostname,port}=new URL(s.url);
   const q=request({hostname,port,method:m.method,path:m.path,headers:{authorization:'Bearer '+s.token},agent},(a)=>{prev=m.method+' '+m.path.slice(0,90)+' '+a.statusCode+' '+a.headers.connection+' '+(m.body??'');a.resume();a.on('end',r)});
   q.on('error',(e)=>{console.log('PREV',prev,'|',e.message,m.method,m.path.slice(0,200),m.body?.slice(0,40));r();}); q.end(m.body); });
}
await s.stop();
