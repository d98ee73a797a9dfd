// What Fastify itself costs: the same bodies, the same bytes, and nothing in between.

import { readFileSync } from 'node:fs';
import Fastify from 'fastify';

const bytes = readFileSync(process.argv[2] as string);
const app = Fastify({ logger: false });
app.post('/', (_request, reply) => reply.code(201).send({ ok: true }));
app.get('/', (_request, reply) => reply.type('application/json; charset=utf-8').send(bytes));
process.stdout.write(await app.listen({ host: '127.0.0.1', port: 0 }));
