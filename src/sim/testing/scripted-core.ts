/** A core that does what a test tells it and writes down what happens to it. */
import type { Effect, Event } from '../../core/contract.ts';
import type { SimCore } from '../host.ts';

export class ScriptedCore implements SimCore {
  readonly events: Event[] = [];
  isRelay = false;
  /** channels that it holds */
  readonly held = new Set<string>();
  #next: Effect[] = [];

  handle(event: Event): Effect[] {
    this.events.push(event);
    return this.#next.splice(0);
  }

  holds(channel: string): boolean {
    return this.held.has(channel);
  }

  /** Effects of the next event. */
  will(...effects: Effect[]): void {
    this.#next.push(...effects);
  }

  of<K extends Event['kind']>(kind: K): Extract<Event, { kind: K }>[] {
    return this.events.filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);
  }
}
