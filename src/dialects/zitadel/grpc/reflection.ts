// gRPC Server Reflection, v1 and v1alpha: tools such as grpcurl ask here what the server speaks.

import {
  createRegistry,
  type DescExtension,
  type DescFile,
  type DescService,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectRouter } from '@connectrpc/connect';
import {
  type ReflectionAnswer,
  type ReflectionRequest,
  ServerReflection,
  ServerReflectionAlpha,
} from './reflection-proto.ts';

/** Registers reflection over these services, and itself. */
export function registerReflection(router: ConnectRouter, others: readonly DescService[]): void {
  const reflector = makeReflector([...others, ServerReflection, ServerReflectionAlpha]);
  for (const service of [ServerReflection, ServerReflectionAlpha]) {
    router.service(service, {
      async *serverReflectionInfo(requests) {
        for await (const request of requests) {
          const { host } = request;
          yield { validHost: host, originalRequest: request, messageResponse: reflector(request) } as never;
        }
      },
    });
  }
}

export type Reflector = (request: Pick<ReflectionRequest, 'messageRequest'>) => ReflectionAnswer;

export function makeReflector(services: readonly DescService[]): Reflector {
  const files = new Map<string, DescFile>();
  for (const { file } of services) collect(file, files);
  const registry = createRegistry(...files.values());

  return ({ messageRequest: { case: kind, value } }) => {
    switch (kind) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: services.map(({ typeName: name }) => ({ name })) },
        };
      case 'fileByFilename':
        return answerFile(files.get(value), value);
      case 'fileContainingSymbol':
        return answerFile(fileOf(registry, value), value);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = value;
        const extension = extensionsOf(registry, containingType).find(
          ({ number }) => number === extensionNumber,
        );
        return answerFile(extension?.file, `extension ${extensionNumber} of ${containingType}`);
      }
      case 'allExtensionNumbersOfType': {
        if (registry.getMessage(value) === undefined) return notFound(value);
        const extensionNumber = extensionsOf(registry, value).map(({ number }) => number);
        return { case: 'allExtensionNumbersResponse', value: { baseTypeName: value, extensionNumber } };
      }
      default:
        return failure(Code.InvalidArgument, 'the request asks for nothing');
    }
  };
}

function collect(file: DescFile, files: Map<string, DescFile>): void {
  if (files.has(file.proto.name)) return;
  files.set(file.proto.name, file);
  for (const dependency of file.dependencies) collect(dependency, files);
}

/** A type, a service, an extension; or a method or a field, which the name before the last dot has. */
function fileOf(registry: Registry, symbol: string): DescFile | undefined {
  const found = registry.get(symbol);
  if (found !== undefined) return found.file;
  const dot = symbol.lastIndexOf('.');
  const parent = registry.get(symbol.slice(0, dot));
  const name = symbol.slice(dot + 1);
  if (parent?.kind === 'service' && parent.methods.some((method) => method.name === name)) return parent.file;
  if (parent?.kind === 'message' && parent.fields.some((field) => field.name === name)) return parent.file;
  return undefined;
}

function extensionsOf(registry: Registry, typeName: string): DescExtension[] {
  return [...registry].filter(
    (type): type is DescExtension => type.kind === 'extension' && type.extendee.typeName === typeName,
  );
}

/** The file, and all that it depends on. */
function answerFile(file: DescFile | undefined, wanted: string): ReflectionAnswer {
  if (file === undefined) return notFound(wanted);
  const files = new Map<string, DescFile>();
  collect(file, files);
  const fileDescriptorProto = [...files.values()].map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function notFound(wanted: string): ReflectionAnswer {
  return failure(Code.NotFound, `${wanted} is not known`);
}

function failure(errorCode: Code, errorMessage: string): ReflectionAnswer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
