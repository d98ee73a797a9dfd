// `npm run bench` answers every question; `npm run bench -- ingest single` only those.

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dialects } from './dialects.ts';
import { directory } from './directory.ts';
import { ingest } from './ingest.ts';
import { postgres } from './postgres.ts';
import { type Answer, type Question, tableOf } from './question.ts';
import { scale } from './scale.ts';
import { single } from './single.ts';

const QUESTIONS: Record<string, Question> = { ingest, single, scale, dialects, directory, postgres };

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(QUESTIONS, name));
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; known are ${Object.keys(QUESTIONS).join(', ')}\n`);
  process.exit(2);
}

const answers: Answer[] = [];
for (const [name, ask] of Object.entries(QUESTIONS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  const given = await ask();
  answers.push(...given);
  process.stderr.write(`${tableOf(given)}\n`);
}
process.stdout.write(`\n${tableOf(answers)}\n`);

const folder = new URL('./results/', import.meta.url);
mkdirSync(folder, { recursive: true });
const moment = new Date().toISOString();
const machine = { node: process.version, processors: cpus().length, model: cpus()[0]?.model };
const file = new URL(`${moment.replaceAll(':', '-')}.json`, folder);
writeFileSync(file, `${JSON.stringify({ moment, machine, answers }, null, 2)}\n`);
process.stderr.write(`saved in bench/results/\n`);
process.exit(0);
