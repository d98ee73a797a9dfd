// All that answers: REST and RPC over the same methods. Loaded with the first request, for the
// descriptors of Zitadel's services take a fifth of a second and tens of megabytes to read.

import { AdminService } from '@zitadel/proto/zitadel/admin_pb.js';
import { AuthService } from '@zitadel/proto/zitadel/auth_pb.js';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Annals } from '../dialect.ts';
import { isExpected, refusals, toWireError } from './errors.ts';
import { registerHealth } from './grpc/health.ts';
import { Health } from './grpc/health-proto.ts';
import { registerReflection } from './grpc/reflection.ts';
import { makeMethods } from './methods.ts';
import { RestAnswers, sendError } from './rest-answers.ts';
import { RpcAnswers } from './rpc-answers.ts';
import { MAX_MESSAGE_BYTES } from './wire.ts';

export interface Answers {
  /** The body of a REST answer; status and headers are on the reply. */
  rest(request: FastifyRequest, reply: FastifyReply): Promise<string>;
  rpc(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** What was thrown, as a REST answer. */
  restError(error: unknown, reply: FastifyReply): string;
}

export interface AnswersOptions {
  maxChanges: number;
  onError(error: unknown): void;
}

export function makeAnswers(annals: Annals, { maxChanges, onError }: AnswersOptions): Answers {
  const methods = makeMethods(annals, maxChanges);
  const services = [ManagementService, AuthService, AdminService, Health];
  const rest = new RestAnswers(methods);
  const rpc = new RpcAnswers({
    methods,
    onError,
    annals,
    routes(router) {
      registerHealth(
        router,
        services.map(({ typeName }) => typeName),
        annals,
      );
      registerReflection(router, services);
    },
  });
  return {
    rest: (request, reply) => rest.answer(request, reply),
    rpc: (request, reply) => rpc.answer(request, reply),
    restError(error, reply) {
      const { code, statusCode } = error as { code?: string; statusCode?: number };
      if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
        return sendError(reply, refusals.tooLarge(MAX_MESSAGE_BYTES));
      if (statusCode !== undefined && statusCode < 500)
        return sendError(reply, refusals.invalid((error as Error).message));
      if (!isExpected(error)) onError(error);
      return sendError(reply, toWireError(error));
    },
  };
}
