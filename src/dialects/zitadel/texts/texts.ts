// Which text a reader is shown: English or German, as `accept-language` says.

import { aggregatesDe, de, errorsDe } from './de.ts';
import { aggregatesEn, type ErrorText, en, errorsEn } from './en.ts';

export type Language = 'en' | 'de';

/** A key of the wire with its text; where there is no text, the key itself is the text. */
export interface Localized {
  key: string;
  localizedMessage: string;
}

const EVENTS: Record<Language, Record<string, string>> = { en, de };
const AGGREGATES: Record<Language, Record<string, string>> = { en: aggregatesEn, de: aggregatesDe };
const ERRORS: Record<Language, Record<ErrorText, string>> = { en: errorsEn, de: errorsDe };

/** Event types that have a text. */
export const EVENT_TYPES: readonly string[] = Object.keys(en);

export function eventText(type: string, language: Language): Localized {
  return localized(`EventTypes.${type}`, EVENTS[language], type);
}

export function aggregateText(type: string, language: Language): Localized {
  return localized(`AggregateTypes.${type}`, AGGREGATES[language], type);
}

export function errorText(key: ErrorText, language: Language): string {
  return ERRORS[language][key];
}

function localized(key: string, texts: Record<string, string>, type: string): Localized {
  return { key, localizedMessage: Object.hasOwn(texts, type) ? (texts[type] as string) : key };
}

/**
 * The language that an `Accept-Language` header likes best of those there are (RFC 9110, section
 * 12.5.4); English where it says nothing, or likes none of them.
 */
export function chooseLanguage(acceptLanguage: string | undefined): Language {
  let best: Language = 'en';
  let bestQuality = 0;
  for (const range of (acceptLanguage ?? '').split(',')) {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const language = tag.split('-', 1)[0];
    const quality = qualityOf(parameters);
    if ((language !== 'en' && language !== 'de') || quality <= bestQuality) continue;
    best = language;
    bestQuality = quality;
  }
  return best;
}

function qualityOf(parameters: string[]): number {
  const given = parameters.find((parameter) => parameter.startsWith('q='));
  if (given === undefined) return 1;
  const quality = Number(given.slice('q='.length));
  return quality >= 0 && quality <= 1 ? quality : 0;
}
