// JSON Pointers (RFC 6901): the paths by which differences, patches and errors name a place in a value.

/** The pointer to the member or item `token` of what `parent` points to; `''` is the whole value. */
export function joinPointer(parent: string, token: string | number): string {
  if (typeof token === 'string' && (token.includes('~') || token.includes('/'))) {
    return `${parent}/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }
  return `${parent}/${token}`;
}

/** The tokens of a pointer, unescaped; undefined where the text is no JSON Pointer (section 3). */
export function parsePointer(text: string): string[] | undefined {
  if (text === '') return [];
  if (!text.startsWith('/') || /~(?![01])/.test(text)) return undefined;
  const tokens = text.slice(1).split('/');
  // `~1` before `~0`, or `~01` would read as `/` (section 4).
  return text.includes('~')
    ? tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    : tokens;
}

/** The first token of a pointer other than `''`, unescaped. */
export function firstToken(pointer: string): string {
  const end = pointer.indexOf('/', 1);
  const token = end === -1 ? pointer.slice(1) : pointer.slice(1, end);
  return token.includes('~') ? token.replaceAll('~1', '/').replaceAll('~0', '~') : token;
}
