// The RPCs that are answered: the six change lists, the three event lists, and Healthz.

import type {
  DescMessage,
  DescMethodUnary,
  Message,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { AdminService } from '@zitadel/proto/zitadel/admin_pb.js';
import { AuthService } from '@zitadel/proto/zitadel/auth_pb.js';
import type { ChangeQuery } from '@zitadel/proto/zitadel/change_pb.js';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import type { ResourceRef } from '../../core/entry.ts';
import { streamOf } from '../../core/streams.ts';
import type { Annals } from '../dialect.ts';
import { makeListChanges } from './changes-at-hand.ts';
import { listAggregateTypes, listEvents, listEventTypes } from './events.ts';
import { type Asked, ask, type Envelope, rangeOf } from './from-wire.ts';
import { validate } from './rules.ts';

/** An RPC that is answered, whatever transport it came by. */
export interface Method {
  desc: DescMethodUnary;
  /** Who asks comes before what is asked: a caller that may not read is not told what is wrong with the question. */
  call(input: Message, envelope: Envelope): Promise<MessageInitShape<DescMessage>>;
}

type ChangesInput = Message & { query?: ChangeQuery };

export function makeMethods(annals: Annals, maxChanges: number): Method[] {
  const listChanges = makeListChanges(annals.read);
  return [
    changes(ManagementService.method.listOrgChanges, (_, { organization }) => [
      about('organizations', organization.id),
    ]),
    changes(ManagementService.method.listAppChanges, ({ appId, projectId }) => [
      about('apps', appId),
      about('projects', projectId),
    ]),
    changes(ManagementService.method.listProjectChanges, ({ projectId }) => [about('projects', projectId)]),
    changes(ManagementService.method.listProjectGrantChanges, ({ grantId }) => [
      about('project_grants', grantId),
    ]),
    changes(ManagementService.method.listUserChanges, ({ userId }) => [about('users', userId)]),
    changes(AuthService.method.listMyUserChanges, (_, { caller }) => [
      about('users', caller.user ?? caller.id),
    ]),
    asked(AdminService.method.listEvents, (input, asker) => listEvents(annals, asker, input, maxChanges)),
    asked(AdminService.method.listEventTypes, (_, asker) => listEventTypes(annals, asker)),
    asked(AdminService.method.listAggregateTypes, (_, asker) => listAggregateTypes(annals, asker)),
    healthz(ManagementService.method.healthz),
    healthz(AuthService.method.healthz),
    healthz(AdminService.method.healthz),
  ];

  function asked<I extends DescMessage, O extends DescMessage>(
    desc: DescMethodUnary<I, O>,
    answer: (input: MessageShape<I>, asker: Asked) => Promise<MessageInitShape<O>>,
  ): Method {
    return {
      desc,
      async call(input, envelope) {
        const asker = await ask(annals, envelope);
        validate(desc.input, input);
        return answer(input as MessageShape<I>, asker);
      },
    };
  }

  /** The changes that are about all of some resources. */
  function changes<I extends DescMessage, O extends DescMessage>(
    desc: DescMethodUnary<I, O>,
    resourcesOf: (input: MessageShape<I>, asker: Asked) => ResourceRef[],
  ): Method {
    return asked(desc, async (input, asker) => {
      const range = rangeOf((input as ChangesInput).query, maxChanges, asker.language);
      const selection = { streams: resourcesOf(input, asker).map(streamOf.about) };
      return {
        result: await listChanges(asker, selection, range),
      } as MessageInitShape<DescMessage> as MessageInitShape<O>;
    });
  }

  /** Nobody has to say who they are to ask whether the server is well. */
  function healthz(desc: DescMethodUnary): Method {
    return {
      desc,
      async call() {
        await annals.ping().catch((cause: unknown) => {
          throw new ConnectError(
            'the database does not answer',
            Code.Unavailable,
            undefined,
            undefined,
            cause,
          );
        });
        return {};
      },
    };
  }
}

function about(type: string, id: string): ResourceRef {
  return { type, id };
}
