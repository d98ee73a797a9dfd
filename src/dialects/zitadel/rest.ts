// The REST table: which RPC a verb and a path stand for, read from the descriptors' own HTTP options.

import { type DescMethod, type DescService, getOption, hasOption } from '@bufbuild/protobuf';
import { http } from '@zitadel/proto/google/api/annotations_pb.js';

/** An RPC as it is reached over REST. */
export interface Binding {
  method: DescMethod;
  /** Is the message in the body? Else its fields are in the URL's query. */
  hasBody: boolean;
}

export interface Match extends Binding {
  /** Values of the path's fields, decoded, by their proto names. */
  fields: Record<string, string>;
}

/** What one segment of paths leads to. */
interface Node {
  literals: Map<string, Node>;
  /** One segment as a field's value. */
  field?: { name: string; node: Node };
  /** All segments that are left as a field's value. */
  rest?: { name: string; node: Node };
  /** By verb. */
  bindings: Map<string, Binding>;
}

export class RestTable {
  readonly #root = emptyNode();

  /** Adds every method of a service that has a path, below a prefix such as `/management/v1`. */
  add(service: DescService, prefix: string): void {
    for (const method of service.methods) {
      if (!hasOption(method, http)) continue;
      const { pattern, body } = getOption(method, http);
      if (typeof pattern.value !== 'string') continue;
      this.addPath(pattern.case.toUpperCase(), prefix + pattern.value, { method, hasBody: body === '*' });
    }
  }

  addPath(verb: string, template: string, binding: Binding): void {
    let node = this.#root;
    for (const segment of template.slice(1).split('/')) node = child(node, segment);
    node.bindings.set(verb, binding);
  }

  /** `verb`: the path is known, and does not take the verb. */
  find(verb: string, path: string): Match | 'verb' | undefined {
    const segments = path.slice(1).split('/').map(decoded);
    const fields: Record<string, string> = {};
    const node = walk(this.#root, segments, 0, fields);
    if (node === undefined) return undefined;
    const binding = node.bindings.get(verb);
    return binding === undefined ? 'verb' : { ...binding, fields };
  }
}

function emptyNode(): Node {
  return { literals: new Map(), bindings: new Map() };
}

function child(node: Node, segment: string): Node {
  const field = /^\{([^=}]+)(=\*\*)?\}$/.exec(segment);
  if (field === null) {
    const known = node.literals.get(segment) ?? emptyNode();
    node.literals.set(segment, known);
    return known;
  }
  const kind = field[2] === undefined ? 'field' : 'rest';
  node[kind] ??= { name: field[1] as string, node: emptyNode() };
  return node[kind].node;
}

/** Literal segments come before fields; where a way ends nowhere, the next one is tried. */
function walk(
  node: Node,
  segments: readonly string[],
  at: number,
  fields: Record<string, string>,
): Node | undefined {
  if (at === segments.length) return node.bindings.size > 0 ? node : undefined;
  const segment = segments[at] as string;
  const literal = node.literals.get(segment);
  const found = literal && walk(literal, segments, at + 1, fields);
  if (found !== undefined) return found;
  if (node.field !== undefined) {
    const behind = walk(node.field.node, segments, at + 1, fields);
    if (behind !== undefined) {
      fields[node.field.name] = segment;
      return behind;
    }
  }
  if (node.rest === undefined) return undefined;
  fields[node.rest.name] = segments.slice(at).join('/');
  return node.rest.node;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
