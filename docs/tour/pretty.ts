// JSON for a page: whatever fits in a line stands in one.

/** With the comma behind it. */
const WIDTH = 110;

/** Also what is no JSON, as clients hold it: large numbers as texts, without the names of message types. */
export function pretty(value: unknown): string {
  const plain = JSON.stringify(value, (name, item: unknown) => {
    if (name === '$typeName') return undefined;
    return typeof item === 'bigint' ? String(item) : item;
  });
  return laidOut(JSON.parse(plain), '');
}

function laidOut(value: unknown, indent: string, before = 0): string {
  const line = inLine(value);
  if (value === null || typeof value !== 'object' || indent.length + before + line.length < WIDTH)
    return line;
  const deeper = `${indent}  `;
  const items = Array.isArray(value)
    ? value.map((item) => deeper + laidOut(item, deeper))
    : Object.entries(value).map(([name, item]) => {
        const label = `${JSON.stringify(name)}: `;
        return deeper + label + laidOut(item, deeper, label.length);
      });
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${items.join(',\n')}\n${indent}${close}`;
}

function inLine(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(inLine).join(', ')}]`;
  const members = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${inLine(item)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
