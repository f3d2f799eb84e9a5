/**
 * The checkers in a mesh with a malicious peer: they let honest peers pass, and each catches a peer without the defence
 * that it watches.
 */
import { describe, expect, it } from 'vitest';
import type { Store } from '../../store/store.ts';
import type { PeerOptions } from '../peer-options.ts';
import { type Carelessness, carelessCore } from '../testing/careless-core.ts';
import { failureOf } from '../testing/failure.ts';
import { createBad, finish, talk } from '../testing/malice-world.ts';
import { type ForgeryName, forger } from './forger.ts';
import type { Hand } from './hand.ts';
import type { MaliceKind } from './index.ts';
import { interestLiar } from './interest-liar.ts';
import type { Malice } from './malice.ts';
import { promiser } from './promiser.ts';
import { racer } from './racer.ts';

const forge = (name: ForgeryName) => (hand: Hand) =>
  forger(hand, { share: 1, transitShare: 0, most: 5, only: [name] });

interface Play {
  readonly kind: MaliceKind;
  readonly create: (hand: Hand) => Malice;
  /** what differs at R1 and at A */
  readonly r1?: PeerOptions;
  readonly a?: PeerOptions;
}

/** A - R1 - R3 - R2 - B, and M, a relay too, beside R3 between R1 and R2: what it does not check it brings sooner. */
const PAIRS = [
  ['A', 'R1'],
  ['R1', 'R3'],
  ['R3', 'R2'],
  ['B', 'R2'],
  ['M', 'R1'],
  ['M', 'R2'],
] as const;

/** The checker that fails, and what it says. */
function verdictOn({ kind, create, r1, a }: Play): { checker: string; message: string } | undefined {
  return failureOf(() => {
    const { world } = createBad({
      kind,
      create,
      peers: {
        R1: { fixed: ['R3', 'M'], joined: ['dev'], ...r1 },
        R2: { fixed: ['R3'], joined: ['dev'] },
        R3: { joined: ['dev'] },
        A: { fixed: ['R1'], joined: ['dev'], ...a },
        B: { fixed: ['R2'], joined: ['dev'] },
      },
      bad: { fixed: ['R2', 'R1'] },
      pairs: PAIRS,
    });
    talk(world, 20);
    world.end();
    finish(world);
  });
}

const CASES: readonly (readonly [Carelessness, string, MaliceKind, (hand: Hand) => Malice])[] = [
  ['passes messages on unchecked', 'forged', 'forger', forge('in the name of another')],
  ['passes records on unchecked', 'forged', 'forger', forge('a record in the name of another')],
  ['stores unchecked', 'forged', 'forger', forge('another body, hashed anew')],
  ['stores unchecked', 'forged', 'forger', forge('of another network')],
  ['stores unchecked', 'forged', 'forger', forge('into the feed of another')],
  [
    'holds junk against the id',
    'convergence',
    'racer',
    (hand) => racer(hand, { most: 1000, withholds: true }),
  ],
  ['holds junk against the next', 'offence', 'racer', (hand) => racer(hand, { most: 1000, withholds: true })],
  [
    'remembers every channel',
    'memory',
    'interest-liar',
    (hand) => interestLiar(hand, { lists: 'everything', invented: 500, told: 500, everySeconds: 1 }),
  ],
];

describe('checkers beside a malicious peer', () => {
  it.each(CASES)('catch a peer that %s (%s)', (fault, checker, kind, create) => {
    const failure = verdictOn({ kind, create, r1: { createCore: carelessCore(fault) } });
    expect(failure?.checker, failure?.message).toBe(checker);
    expect(failure?.message).toContain('R1');
  });

  it.each(CASES)('let a peer pass that does not: %s (%s)', (_fault, _checker, kind, create) => {
    expect(verdictOn({ kind, create })?.message).toBeUndefined();
  });

  it('catch an author that lets go of what somebody says to have stored', () => {
    const failure = verdictOn({ kind: 'promiser', create: promiser, a: { wrapStore: letGo } });
    expect(failure?.checker, failure?.message).toBe('durability');
  });
});

/** Own and other messages are gone as soon as a `stored` of anybody is noted. */
function letGo(store: Store): Store {
  const gone = new Set<string>();
  const transact: Store['transact'] = (effects) => {
    for (const op of effects.flat())
      if (op.kind === 'delivery' && op.state === 'stored') for (const id of op.ids) gone.add(id);
    return store.transact(effects);
  };
  const readMessage: Store['readMessage'] = (id) => (gone.has(id) ? undefined : store.readMessage(id));
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'transact') return transact;
      if (name === 'readMessage') return readMessage;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
