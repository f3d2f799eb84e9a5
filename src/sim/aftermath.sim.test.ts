/** The scenario `aftermath` is shown peers that are broken each in one way; what never fails might demand nothing. */
import { describe, expect, it } from 'vitest';
import type { Effect, Event, Now } from '../core/contract.ts';
import type { PeerConfig } from '../core/peer-types.ts';
import { frameNumber } from '../core/wire/frame.ts';
import { decodeFrame, encodeFrame } from '../core/wire/frames.ts';
import type { Store } from '../store/store.ts';
import type { Host, SimCore } from './host.ts';
import type { PeerOptions } from './peer-options.ts';
import { aftermath } from './scenarios/aftermath.ts';
import { failureOf } from './testing/failure.ts';
import { createCore } from './testing/seeds.ts';
import { World } from './world.ts';

class BrokenWorld extends World {
  readonly #broken: Readonly<Record<string, (world: World) => PeerOptions>>;

  constructor(seed: number, broken: Readonly<Record<string, (world: World) => PeerOptions>>) {
    super({ scenario: 'aftermath', seed, createCore });
    this.#broken = broken;
  }

  override add(name: string, options: PeerOptions = {}): Host {
    return super.add(name, { ...options, ...this.#broken[name]?.(this) });
  }
}

/** The failure that ends the scenario where these peers are broken. */
function failure(seed: number, names: readonly string[], how: (world: World) => PeerOptions) {
  const world = new BrokenWorld(seed, Object.fromEntries(names.map((name) => [name, how])));
  return failureOf(() => {
    aftermath.run(world, { peers: 0 });
    world.end();
  });
}

/** The real core, between two changes. */
function changed(change: {
  readonly event?: (event: Event) => Event | undefined;
  readonly effect?: (effect: Effect) => Effect;
}): PeerOptions {
  const { event: hears = (event) => event, effect: does = (effect) => effect } = change;
  const create = (config: PeerConfig): SimCore => {
    const core = createCore(config);
    const handle = (event: Event, now: Now): Effect[] => {
      const heard = hears(event);
      return heard === undefined ? [] : core.handle(heard, now).map(does);
    };
    return new Proxy(core, {
      get: (target, name) => {
        if (name === 'handle') return handle;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return { createCore: create };
}

/** Frames of catch-up never arrive. */
function hearsNoCatchUp(): PeerOptions {
  const isCatchUp = ({ bytes }: { bytes: Uint8Array }) => [18, 19, 20, 21, 22].includes(frameNumber(bytes));
  return changed({
    event: (event) => (event.kind === 'frame-received' && isCatchUp(event) ? undefined : event),
  });
}

/** Does not remember over a restart for whom it keeps mail, and loses what it kept for nobody else. */
function forgetsMailboxes(): PeerOptions {
  return changed({
    event: (event) =>
      event.kind === 'started' ? { ...event, state: { ...event.state, mailboxes: [], carried: [] } } : event,
  });
}

/** Tells other sums than it has, so that everybody looks for a difference again and again. */
function tellsOtherSums(world: World): PeerOptions {
  let turn = 0;
  const alter = (fingerprint: Uint8Array) => fingerprint.map((byte) => byte ^ (1 + (turn++ % 255)));
  return changed({
    effect: (effect) => {
      if (effect.kind !== 'send') return effect;
      const frame = decodeFrame(world.network.messages, effect.frame);
      if (frame?.type === 'heartbeat')
        return { ...effect, frame: encodeFrame({ ...frame, fingerprint: alter(frame.fingerprint) }) };
      if (frame?.type !== 'sums') return effect;
      const sums = frame.sums.map((sum) => ({ ...sum, fingerprint: alter(sum.fingerprint) }));
      return { ...effect, frame: encodeFrame({ ...frame, sums }) };
    },
  });
}

function storeWith(change: (store: Store) => Partial<Store>): PeerOptions {
  return { wrapStore: (store) => ({ ...store, ...change(store) }) };
}

/** Nothing ever expires. */
function keepsExpired(): PeerOptions {
  return storeWith((store) => ({
    transact: (effects) =>
      effects.map((ops) =>
        ops.flatMap((op) =>
          op.kind === 'expire'
            ? [{ kind: 'expired', removed: 0, more: false }]
            : (store.transact([[op]])[0] ?? []),
        ),
      ),
  }));
}

/** Takes every fourth message of others for known: it never asks for it, and never has it. */
function claimsToHave(): PeerOptions {
  return storeWith((store) => ({
    read: (query) => {
      const answer = store.read(query);
      if (query.kind !== 'has' || answer.kind !== 'has') return answer;
      const holdings = answer.holdings.map((one, i) =>
        one === 'unknown' && (query.ids[i]?.[0] ?? 1) % 4 === 0 ? 'held' : one,
      );
      return { kind: 'has', holdings };
    },
  }));
}

/** Never looks for content that was put off or found damaged. */
function neverMends(): PeerOptions {
  return storeWith((store) => ({
    read: (query) => (query.kind === 'wanted' ? { kind: 'wanted', rows: [] } : store.read(query)),
  }));
}

function forgetsProofs(): PeerOptions {
  return storeWith(() => ({ equivocation: () => undefined }));
}

const HONEST = ['R1', 'R2', 'R3', 'A', 'B', 'C', 'D', 'E'];

describe('the scenario aftermath', () => {
  it.each([
    ['that nobody catches up with', 1, ['E'], hearsNoCatchUp, 'convergence', /E lacks/],
    ['that tells other sums than it has', 6, ['R1', 'R2'], tellsOtherSums, 'scenario', /go on comparing/],
    ['that forgets mailboxes', 40, ['R1', 'R2', 'R3'], forgetsMailboxes, 'convergence', /E lacks/],
    ['that lets nothing expire', 6, ['D'], keepsExpired, 'scenario', /D still keeps/],
    ['that takes messages for known', 6, ['E'], claimsToHave, 'convergence', /E lacks/],
    ['that never mends what it lacks', 21, HONEST, neverMends, 'convergence', /A lacks/],
    ['that shows no equivocation', 14, ['D'], forgetsProofs, 'scenario', /D has two stories/],
  ] as const)('catches a peer %s', (_, seed, names, how, checker, words) => {
    expect(failure(seed, [], how)?.message).toBeUndefined();
    const found = failure(seed, names, how);
    expect(found?.checker, found?.message).toBe(checker);
    expect(found?.message).toMatch(words);
  });
});
