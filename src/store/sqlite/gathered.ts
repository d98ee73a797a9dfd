// Gathers what comes up while one turn of the event loop serves the connections, for something that is done once for all of it.

export class Gathered<Item> {
  readonly #handle: (items: Item[]) => void;
  #items: Item[] = [];

  /** @param handle takes the items in the order in which they were added, none of them twice */
  constructor(handle: (items: Item[]) => void) {
    this.#handle = handle;
  }

  /** Immediates run behind all connections that had something to say: who is alone does not wait. */
  add(item: Item): void {
    this.#items.push(item);
    if (this.#items.length === 1) setImmediate(() => this.#end());
  }

  #end(): void {
    const items = this.#items;
    this.#items = [];
    this.#handle(items);
  }
}
