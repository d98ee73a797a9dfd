// What servers on one database tell each other: that the head of a log moved, that access changed. All
// of it only spares a server what it would find out by itself, so nothing depends on its arrival.

import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { LogId, News } from '../store.ts';
import { connectionConfig, type Database } from './database.ts';

const CHANNEL = 'annals';
/** News is gathered for so long before it is told: every server on the database wakes up for it. */
const GATHER_HEADS_MS = 100;
const GATHER_ACCESS_MS = 20;
/** Nothing depends on it, so the commit need not wait for the disk. */
const TELL = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";
/** Heads in one notification, whose text may have 8,000 bytes. */
const MOST_HEADS = 100;

/** A notification's text, as JSON. */
interface Message {
  from: string;
  heads?: [log: LogId, size: number][];
  access?: true;
}

/** Tells other servers. */
export class Announcer {
  /** Names this server, which need not hear itself. */
  readonly name = randomUUID();
  readonly #database: Database;
  #heads = new Map<LogId, number>();
  #isAccess = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  headMoved(log: LogId, size: number): void {
    this.#heads.set(log, size);
    this.#timer ??= this.#tellIn(GATHER_HEADS_MS);
  }

  accessChanged(): void {
    if (this.#isAccess) return;
    this.#isAccess = true;
    clearTimeout(this.#timer);
    this.#timer = this.#tellIn(GATHER_ACCESS_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tellIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined;
      void this.#tell();
    }, ms);
  }

  async #tell(): Promise<void> {
    const heads = [...this.#heads];
    const messages: Message[] = this.#isAccess ? [{ from: this.name, access: true }] : [];
    for (let at = 0; at < heads.length; at += MOST_HEADS) {
      messages.push({ from: this.name, heads: heads.slice(at, at + MOST_HEADS) });
    }
    this.#heads = new Map();
    this.#isAccess = false;
    try {
      for (const message of messages) {
        await this.#database.write(TELL, [CHANNEL, JSON.stringify(message)]);
      }
    } catch {
      // Whoever did not hear of it finds out when it matters.
    }
  }
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A connection that died unnoticed is found out by asking. */
const ASK_EVERY_MS = 15_000;

/** Listens on a connection of its own, which it renews as often as it breaks. */
export class Listener {
  readonly #url: string;
  readonly #self: string;
  readonly #hear: (news: News) => void;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #isClosed = false;

  constructor(url: string, self: string, hear: (news: News) => void) {
    this.#url = url;
    this.#self = self;
    this.#hear = hear;
    void this.#connect();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({ ...connectionConfig(this.#url), query_timeout: ASK_EVERY_MS });
    this.#client = client;
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      client.end().catch(() => undefined);
      this.#again();
    };
    client.on('error', over);
    client.on('end', over);
    client.on('notification', ({ payload }) => this.#heard(payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
    } catch {
      return over();
    }
    this.#pauseMs = FIRST_PAUSE_MS;
    // Whatever was said before this moment went unheard.
    this.#hear({ kind: 'missed' });
    this.#ask(client, over);
  }

  #ask(client: pg.Client, over: () => void): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      client.query('SELECT 1').then(() => this.#ask(client, over), over);
    }, ASK_EVERY_MS);
    this.#timer.unref();
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#connect(), this.#pauseMs * (0.5 + Math.random()));
    this.#timer.unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #heard(payload: string): void {
    const message = parsed(payload);
    if (message === undefined || message.from === this.#self) return;
    for (const [log, size] of message.heads ?? []) this.#hear({ kind: 'head', log, size });
    if (message.access === true) this.#hear({ kind: 'access' });
  }
}

/** Anyone on the database may notify; what is not ours is passed over. */
function parsed(payload: string): Message | undefined {
  try {
    const message = JSON.parse(payload) as Message | null;
    return typeof message?.from === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}
