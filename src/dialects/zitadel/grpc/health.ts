// grpc.health.v1: is the server well, and when does that change?

import { setTimeout as delay } from 'node:timers/promises';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { Health, NOT_SERVING, SERVICE_UNKNOWN, SERVING } from './health-proto.ts';

export interface HealthMeans {
  stopping: AbortSignal;
  ping(): Promise<void>;
}

/** How often a watched status is looked at. */
const WATCH_MS = 1_000;

/** @param services the names of the services that are served; the empty name is the whole server */
export function registerHealth(router: ConnectRouter, services: readonly string[], means: HealthMeans): void {
  const isKnown = (service: string): boolean => service === '' || services.includes(service);

  router.service(Health, {
    async check({ service }) {
      if (!isKnown(service)) throw new ConnectError(`unknown service ${service}`, Code.NotFound);
      return { status: await status() };
    },
    async list() {
      const current = await status();
      return {
        statuses: Object.fromEntries(['', ...services].map((service) => [service, { status: current }])),
      };
    },
    async *watch({ service }, { signal }) {
      let last: number | undefined;
      while (!signal.aborted) {
        const current = isKnown(service) ? await status() : SERVICE_UNKNOWN;
        if (current !== last) yield { status: current };
        last = current;
        await delay(WATCH_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  });

  async function status(): Promise<number> {
    if (means.stopping.aborted) return NOT_SERVING;
    return means.ping().then(
      () => SERVING,
      () => NOT_SERVING,
    );
  }
}
