// `annals show`: everything about one change.

import type { Command } from 'commander';
import type { PatchOperation } from '../core/patch.ts';
import { makeClient } from './client.ts';
import { differenceLines } from './differences.ts';
import { actorText } from './history.ts';
import { addExamples, addServerOptions, type Options } from './options.ts';
import { factsText, instantText, jsonText, plain, print, printJson, style } from './output.ts';
import type { EntryAnswer } from './pages.ts';

export function addShow(program: Command): void {
  const command = program.command('show').description('Show one change');
  command.argument('<id>', "the change's id");
  addServerOptions(command);
  addExamples(command, [
    'annals show 0199a3f0-6c1e-7d2a-8b1f-3c5d7e9f1a2b',
    'annals show 0199a3f0-6c1e-7d2a-8b1f-3c5d7e9f1a2b --json | jq .patch',
  ]);
  command.action(async (id: string, options: Options) => {
    const entry = await makeClient(options).get<WholeEntry>(`/v1/changes/${encodeURIComponent(id)}`);
    if (options.json === true) await printJson(entry);
    else await print(wholeText(entry));
  });
}

interface WholeEntry extends EntryAnswer {
  patch: PatchOperation[];
}

function wholeText(entry: WholeEntry): string {
  const { resource, context, metadata, related } = entry;
  const facts = factsText([
    ['change', entry.id],
    ['resource', `${plain(resource.type)}/${plain(resource.id)}`],
    ['name', resource.name && plain(resource.name)],
    ['action', entry.action],
    ['event', entry.event && plain(entry.event)],
    ['actor', actorText(entry.actor)],
    ['occurred', instantText(entry.occurredAt)],
    ['recorded', instantText(entry.recordedAt)],
    ['version', String(entry.version)],
    ['position', String(entry.position)],
    ['continuity', continuityText(entry)],
    [
      'related',
      related.length === 0 ? undefined : related.map(({ type, id }) => plain(`${type}/${id}`)).join(', '),
    ],
    ['context', context && jsonText(context)],
    ['metadata', metadata === undefined ? undefined : jsonText(metadata)],
    ['leaf hash', entry.leafHash],
  ]);
  if (entry.action === 'access') return facts;
  if (!entry.changed) return `${facts}\n\n${style('dim', 'no difference')}`;
  return `${facts}\n\n${differenceLines(entry.changes, '', true).join('\n')}`;
}

function continuityText({ continuity }: WholeEntry): string {
  return continuity === 'gap' ? style('magenta', 'gap: a change before this one was missed') : continuity;
}
