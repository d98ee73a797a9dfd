import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import { describe, expect, it } from 'vitest';
import { Health } from './health-proto.ts';
import { makeReflector } from './reflection.ts';
import type { ReflectionAnswer, ReflectionRequest } from './reflection-proto.ts';

const reflector = makeReflector([ManagementService, Health]);

function ask(messageRequest: ReflectionRequest['messageRequest']): ReflectionAnswer {
  return reflector({ messageRequest });
}

/** The names of the files that an answer has. */
function files(answer: ReflectionAnswer): string[] {
  if (answer.case !== 'fileDescriptorResponse') return [];
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

describe('reflection', () => {
  it('lists the services', () => {
    expect(ask({ case: 'listServices', value: '' })).toEqual({
      case: 'listServicesResponse',
      value: {
        service: [{ name: 'zitadel.management.v1.ManagementService' }, { name: 'grpc.health.v1.Health' }],
      },
    });
  });

  it.each([
    'zitadel.management.v1.ManagementService',
    'zitadel.management.v1.ManagementService.ListOrgChanges',
    'zitadel.management.v1.ListOrgChangesRequest',
    'zitadel.management.v1.ListOrgChangesRequest.query',
  ])('finds the file of %s, with all that it depends on', (value) => {
    const names = files(ask({ case: 'fileContainingSymbol', value }));
    expect(names[0]).toBe('zitadel/management.proto');
    expect(names).toEqual(
      expect.arrayContaining(['zitadel/change.proto', 'google/protobuf/timestamp.proto']),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it('finds a file by its name', () => {
    expect(files(ask({ case: 'fileByFilename', value: 'grpc/health/v1/health.proto' }))).toEqual([
      'grpc/health/v1/health.proto',
    ]);
  });

  it('knows the extensions of a type', () => {
    const containingType = 'google.protobuf.MethodOptions';
    const numbers = ask({ case: 'allExtensionNumbersOfType', value: containingType });
    expect(numbers).toMatchObject({ value: { extensionNumber: expect.arrayContaining([72295728]) } });
    const value = { containingType, extensionNumber: 72295728 };
    expect(files(ask({ case: 'fileContainingExtension', value }))).toContain('google/api/annotations.proto');
  });

  it.each([
    { case: 'fileByFilename', value: 'no.proto' },
    { case: 'fileContainingSymbol', value: 'no.Symbol' },
    { case: 'fileContainingSymbol', value: '' },
    { case: 'fileContainingSymbol', value: 'zitadel.management.v1.ManagementService.Nothing' },
    { case: 'fileContainingExtension', value: { containingType: 'no.Type', extensionNumber: 1 } },
    { case: 'allExtensionNumbersOfType', value: 'no.Type' },
  ] as ReflectionRequest['messageRequest'][])('says that $case $value is not known', (messageRequest) => {
    expect(ask(messageRequest)).toMatchObject({ case: 'errorResponse', value: { errorCode: 5 } });
  });

  it('says that a request asks for nothing', () => {
    expect(ask({ case: undefined })).toMatchObject({ case: 'errorResponse', value: { errorCode: 3 } });
  });
});
