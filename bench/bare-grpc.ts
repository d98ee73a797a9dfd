// What Connect itself costs: the same message over cleartext HTTP/2, and nothing in between.

import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { fromBinary } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { ListOrgChangesResponseSchema, ManagementService } from '@zitadel/proto/zitadel/management_pb.js';

const message = fromBinary(ListOrgChangesResponseSchema, readFileSync(process.argv[2] as string));
const server = http2.createServer(
  connectNodeAdapter({
    routes(router) {
      router.rpc(ManagementService.method.listOrgChanges, () => message);
    },
  }),
);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
