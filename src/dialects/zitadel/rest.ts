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
  field?: Node;
  /** All segments that are left as a field's value. */
  rest?: Node;
  /** By verb; templates that differ in the names of their fields alone meet here. */
  bindings: Map<string, Binding & { names: string[] }>;
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

  /** @param template a path with fields, `/users/{user_id}/roles/{role_key=**}` */
  addPath(verb: string, template: string, binding: Binding): void {
    const names: string[] = [];
    let node = this.#root;
    for (const segment of template.slice(1).split('/')) {
      const [, name, isRest] = /^\{([^=}]+)(=\*\*)?\}$/.exec(segment) ?? [];
      if (name !== undefined) names.push(name);
      node =
        name === undefined
          ? literalOf(node, segment)
          : fieldOf(node, isRest === undefined ? 'field' : 'rest');
    }
    node.bindings.set(verb, { ...binding, names });
  }

  /** `verb`: the path is known, and does not take the verb. */
  find(verb: string, path: string): Match | 'verb' | undefined {
    const found = walk(this.#root, path.slice(1).split('/').map(decoded), 0);
    if (found === undefined) return undefined;
    const binding = found.node.bindings.get(verb);
    if (binding === undefined) return 'verb';
    const fields = Object.fromEntries(
      binding.names.map((name, index) => [name, found.values[index] as string]),
    );
    return { ...binding, fields };
  }
}

function emptyNode(): Node {
  return { literals: new Map(), bindings: new Map() };
}

function literalOf(node: Node, segment: string): Node {
  const known = node.literals.get(segment) ?? emptyNode();
  node.literals.set(segment, known);
  return known;
}

function fieldOf(node: Node, kind: 'field' | 'rest'): Node {
  node[kind] ??= emptyNode();
  return node[kind];
}

/** Literal segments come before fields; where a way ends nowhere, the next one is tried. */
function walk(
  node: Node,
  segments: readonly string[],
  at: number,
): { node: Node; values: string[] } | undefined {
  if (at === segments.length) return node.bindings.size > 0 ? { node, values: [] } : undefined;
  const segment = segments[at] as string;
  const literal = node.literals.get(segment);
  const found = literal && walk(literal, segments, at + 1);
  if (found !== undefined) return found;
  const behind = node.field && walk(node.field, segments, at + 1);
  if (behind !== undefined) return { node: behind.node, values: [segment, ...behind.values] };
  return node.rest && { node: node.rest, values: [segments.slice(at).join('/')] };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
