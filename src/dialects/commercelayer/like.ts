// SQL's LIKE: `%` stands for any text, `_` for one character, and a backslash takes what follows as it is.

const MANY = Symbol('%');
const ONE = Symbol('_');
type Token = string | typeof MANY | typeof ONE;

/** Does the whole text have this pattern? Its cost grows with the product of both lengths, at worst. */
export function likeTest(pattern: string): (text: string) => boolean {
  const tokens = tokensOf(pattern);
  return (text) => matches(tokens, Array.from(text));
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  const characters = Array.from(pattern);
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] as string;
    if (character === '%') tokens.push(MANY);
    else if (character === '_') tokens.push(ONE);
    else if (character === '\\') tokens.push(characters[++index] ?? '\\');
    else tokens.push(character);
  }
  return tokens;
}

/** Tries each `%` with as little as possible; only the last one that was met ever has to take more. */
function matches(tokens: readonly Token[], characters: readonly string[]): boolean {
  let [token, at] = [0, 0];
  let retry: { token: number; at: number } | undefined;
  while (at < characters.length) {
    const wanted = tokens[token];
    if (wanted === MANY) {
      token += 1;
      retry = { token, at };
    } else if (wanted !== undefined && (wanted === ONE || wanted === characters[at])) {
      token += 1;
      at += 1;
    } else if (retry !== undefined) {
      retry.at += 1;
      ({ token, at } = retry);
    } else {
      return false;
    }
  }
  return tokens.slice(token).every((rest) => rest === MANY);
}
