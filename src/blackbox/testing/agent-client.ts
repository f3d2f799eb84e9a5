/** A client of a daemon's inbox that answers what it is given, as a bridge does: it attaches again whenever it must. */

import type { AttachedJson, InboxItemJson } from '../../api/client/agent-types.ts';
import { Client } from '../../api/client/client.ts';
import { findDaemon } from '../../api/client/find.ts';
import { openInbox } from '../../api/client/inbox.ts';
import { MeshError } from '../../api/client/index.ts';
import { AGENT_TOKEN_FILE } from '../../api/client/types.ts';
import { until } from './wait.ts';

/** What it does with an item: the parts of its answer, or undefined to leave it alone. */
export type Think = (item: InboxItemJson) => readonly string[] | undefined;

export class AgentClient {
  readonly items: InboxItemJson[] = [];
  attached: AttachedJson | undefined;
  /** of the daemon */
  readonly #dataFolder: string;
  readonly #think: Think;
  readonly #stop = new AbortController();
  readonly ended: Promise<void>;

  constructor(dataFolder: string, think: Think = () => undefined) {
    this.#dataFolder = dataFolder;
    this.#think = think;
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#follow();
      } catch (error) {
        if (!(error instanceof MeshError)) throw error; // the daemon is gone, or stops: it comes again
      }
      await new Promise((resolve) => setTimeout(resolve, 20)); // as bridges do: not in a busy loop
    }
  }

  async #follow(): Promise<void> {
    const daemon = findDaemon(this.#dataFolder, AGENT_TOKEN_FILE);
    const client = new Client(daemon);
    try {
      for await (const event of openInbox(daemon, { client: 'test', signal: this.#stop.signal })) {
        if (event.kind === 'attached') this.attached = event.attached;
        else await this.#take(client, event.item);
      }
    } finally {
      client.close();
    }
  }

  async #take(client: Client, item: InboxItemJson): Promise<void> {
    this.items.push(item);
    const parts = this.#think(item);
    if (parts === undefined) return;
    const { number, attempt } = item;
    for (const [index, body] of parts.entries()) await client.answer({ number, part: index + 1, body });
    await client.acknowledge({ number, attempt, outcome: 'done' });
  }

  /** Resolves when this many items came. */
  async item(count: number): Promise<InboxItemJson> {
    await until(`${count} items for the agent`, () => this.items.length >= count);
    return this.items[count - 1] as InboxItemJson;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }
}
