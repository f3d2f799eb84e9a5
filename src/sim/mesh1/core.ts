/** A mesh/1 peer as a host of the simulator runs it: it dials what it is told to, and again when a link ends. */
import type { Effect, Event, LinkId } from '../../core/contract.ts';
import type { CoreFactory, SimCore } from '../host.ts';
import { Mesh1Node, type Mesh1Options } from './node.ts';

const DIAL_AGAIN_MS = 2000;

class Mesh1Core implements SimCore {
  readonly node: Mesh1Node;
  readonly #dialled = new Map<LinkId, string>();
  readonly #urls = new Set<string>();
  readonly #linked = new Set<string>();
  #effects: Effect[] = [];

  constructor(options: Mesh1Options) {
    this.node = new Mesh1Node(options, (link, text) =>
      this.#effects.push({ kind: 'send-text', link, text, notify: 0 }),
    );
  }

  handle(event: Event): Effect[] {
    this.#effects = [];
    this.#on(event);
    return this.#effects;
  }

  #on(event: Event): void {
    switch (event.kind) {
      case 'started':
        this.#effects.push({ kind: 'timer', timer: { kind: 'second' }, delayMs: DIAL_AGAIN_MS });
        return;
      case 'timer':
        this.#effects.push({ kind: 'timer', timer: event.timer, delayMs: DIAL_AGAIN_MS });
        return this.#dial();
      case 'addresses':
        for (const { url } of event.addresses) this.#urls.add(url);
        return this.#dial();
      case 'dial-failed':
        this.#linked.delete(event.url);
        return;
      case 'link-opened':
        if (event.role === 'dialler') this.#dialled.set(event.link, event.url);
        return this.node.opened(event.link, event.role === 'dialler');
      case 'text-received':
        return this.node.received(event.link, event.text);
      case 'link-closed':
        this.#linked.delete(this.#dialled.get(event.link) ?? '');
        this.#dialled.delete(event.link);
        return this.node.closed(event.link);
      default:
        return; // it has no disk, no keys and no binary frames
    }
  }

  #dial(): void {
    for (const url of this.#urls) {
      if (this.#linked.has(url)) continue;
      this.#linked.add(url);
      this.#effects.push({ kind: 'dial', url, scope: 'loopback' });
    }
  }
}

/** A factory of such a peer; `node` is the one that runs now. */
export function createMesh1(options: Partial<Mesh1Options> = {}): CoreFactory & { node(): Mesh1Node } {
  let core: Mesh1Core | undefined;
  const create: CoreFactory = () => {
    core = new Mesh1Core({
      ...{ peerId: 'peer-0a1b2c3d', relay: true, store: true, withoutCursor: 'oldest' },
      ...options,
    });
    return core;
  };
  return Object.assign(create, {
    node: () => {
      if (core === undefined) throw new Error('the mesh/1 peer was never started');
      return core.node;
    },
  });
}
