// Does an event meet a filter?

import type { State } from '../../core/entry.ts';
import { differs } from './attribute.ts';
import type { Condition, TimeOperator } from './filter.ts';
import type { ReltioEvent } from './wire.ts';

/** An event as filters see it. */
export interface Candidate {
  event: ReltioEvent;
  /** The resource type. */
  entityType: string;
  /** Is there a difference between the states? */
  changed: boolean;
  /** Parsed on demand: only `changes` conditions look into them. */
  states(): { before: State; after: State };
}

export function meets(candidate: Candidate, condition: Condition): boolean {
  const { event } = candidate;
  switch (condition.kind) {
    case 'and':
      return condition.conditions.every((part) => meets(candidate, part));
    case 'or':
      return condition.conditions.some((part) => meets(candidate, part));
    case 'not':
      return !meets(candidate, condition.condition);
    case 'text':
      return event[condition.property].toLowerCase() === condition.value;
    case 'time':
      return COMPARISONS[condition.operator](event.timestamp, condition.timestamp);
    case 'changes': {
      const { entityType } = condition.attribute;
      if (!candidate.changed || (entityType ?? candidate.entityType) !== candidate.entityType) return false;
      const { before, after } = candidate.states();
      return differs(condition.attribute, before, after);
    }
  }
}

const COMPARISONS: Record<TimeOperator, (timestamp: number, bound: number) => boolean> = {
  equals: (timestamp, bound) => timestamp === bound,
  lt: (timestamp, bound) => timestamp < bound,
  lte: (timestamp, bound) => timestamp <= bound,
  gt: (timestamp, bound) => timestamp > bound,
  gte: (timestamp, bound) => timestamp >= bound,
};
