/** Ephemerals in a mesh with a peer that smuggles, forges and floods them, and the checker against what breaks its rule. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { ephemeralParts } from '../core/message/ephemeral.ts';
import { type Message, type MessageFields, NO_PREV } from '../core/message/message.ts';
import { StoreReceipt, VerifiedMessage } from '../core/message/verified.ts';
import type { Frame } from '../core/wire/frame.ts';
import type { Store } from '../store/store.ts';
import { EphemeralChecker } from './ephemeral-checker.ts';
import type { SimKey } from './keys.ts';
import { signed, withSignature } from './malice/craft.ts';
import type { Hand } from './malice/hand.ts';
import type { MaliceLink } from './malice/link.ts';
import type { Malice } from './malice/malice.ts';
import { failureOf } from './testing/failure.ts';
import { createBad, finish, talk } from './testing/malice-world.ts';
import { createCore } from './testing/seeds.ts';
import { World } from './world.ts';

/** A draft of the key's owner. */
function draft(
  key: SimKey,
  wallMs: number,
  run: number,
  changes: Partial<MessageFields> = {},
): MessageFields {
  const timeMs = Math.floor(wallMs);
  return {
    ...ephemeralParts({ kind: 'draft', text: `run ${run}`, state: 'open' }),
    author: key.publicKey,
    channel: 'dev',
    time: { timeMs, counter: run % 65536 },
    prev: NO_PREV,
    refs: [{ relation: 7, id: new Uint8Array(32).fill(run) }],
    expiresMs: timeMs + LIMITS.ephemeralMs,
    nonce: 0,
    ...changes,
  };
}

/** Puts drafts where messages belong, passes on altered ones, and sends fifty a second of its own. */
class Smuggler implements Malice {
  #runs = 0;

  hears(_link: MaliceLink, frame: Frame, hand: Hand): Frame {
    if (frame.type !== 'ephemeral') return frame;
    for (const link of hand.all().slice(0, 1)) {
      const items = frame.items.map(({ root, message }) => ({
        root,
        message: withSignature(hand.messages, message, hand.bytes(64)),
      }));
      hand.did('altered a draft');
      hand.send(link, { type: 'ephemeral', items });
    }
    return frame;
  }

  tick(hand: Hand): void {
    const key = hand.author(0);
    const make = (): Message => signed(hand.messages, key, draft(key, hand.now.wallMs, ++this.#runs));
    for (const link of hand.all()) {
      hand.did('flooded drafts', 50);
      for (let i = 0; i < 50; i++)
        hand.send(link, { type: 'ephemeral', items: [{ root: '', message: make() }] });
      if (this.#runs > 3000) continue;
      hand.did('put a draft where messages belong', 2);
      hand.send(link, { type: 'push', root: '', keep: true, messages: [make()] });
      hand.send(link, { type: 'fetched', messages: [make()], notHeld: [] });
    }
  }
}

describe('ephemerals beside a malicious peer', () => {
  it('are stored nowhere, keep to the rate of their author, and delay no message', () => {
    const { world, verdict, delays } = createBad({ kind: 'flooder', create: () => new Smuggler() });
    const shown = new Map<string, number>();
    const others = new Map<string, number>();
    const author = world.host('M').identity;
    world.network.observers.push({
      effect: (host, effect) => {
        if (effect.kind !== 'ephemeral' || effect.isOwn) return;
        const isTheirs = Buffer.from(effect.message.message.author).toString('base64url') === author;
        const counts = isTheirs ? shown : others;
        counts.set(host.name, (counts.get(host.name) ?? 0) + 1);
      },
    });
    const seconds = 8;
    for (let i = 0; i < seconds; i++) {
      world.say('A', 'dev', { kind: 'draft', text: `honest ${i}`, state: 'open' }, 200);
      talk(world, 1);
    }
    expect(verdict().deeds['flooded drafts']).toBeGreaterThan(100);
    for (const name of ['A', 'B'])
      expect(shown.get(name) ?? 0).toBeLessThanOrEqual(
        LIMITS.ephemeralBurst + LIMITS.ephemeralPerSecond * (seconds + 5),
      );
    expect(others.get('B')).toBeGreaterThanOrEqual(seconds - 1);
    expect(Math.max(...delays)).toBeLessThan(2000);
    finish(world);
  });
});

describe('the checker of ephemerals', () => {
  const world = new World({ scenario: 'ephemerals', seed: 9, createCore });
  const host = world.add('A', { joined: ['dev'] });
  const key = host.options.identityKeys[0] as SimKey;
  const { messages } = world.network;
  const make = (changes: Partial<MessageFields> = {}) =>
    signed(messages, key, draft(key, 1_800_000_000_000, 1, changes));
  const vouched = (message: Message) =>
    VerifiedMessage.fromStore(message, StoreReceipt.issue(message.id)) as VerifiedMessage;

  function verdictOn(look: (checker: EphemeralChecker) => void): string {
    const failure = failureOf(() => look(new EphemeralChecker(world)));
    return failure?.message.split('\n')[0] ?? '';
  }
  const show = (message: Message) =>
    ({ kind: 'ephemeral', message: vouched(message), isOwn: false }) as const;
  const carry = (message: Message) => ({ type: 'ephemeral', items: [{ root: '', message }] }) as const;

  it('is content with a genuine one, and with a newer one after it', () => {
    const later = make({ time: { timeMs: 1_800_000_000_000, counter: 2 } });
    const verdict = verdictOn((checker) => {
      checker.sending(host, carry(make()));
      checker.effect(host, show(make()));
      checker.effect(host, show(later));
    });
    expect(verdict).toBe('');
  });

  it('catches a store that gets one, by whatever way', () => {
    const message = vouched(make());
    for (const kind of ['message', 'put-off'] as const)
      expect(
        verdictOn((checker) => checker.committed(host, [{ token: 1, ops: [{ kind, message, tag: 'x' }] }])),
      ).toContain(`A stores ${message.message.idText} (${kind})`);
  });

  it('catches a store that has one', () => {
    const rows = [{ arrival: 1, message: vouched(make()), delivery: undefined, equivocates: false }];
    const other = new World({ scenario: 'ephemerals', seed: 9, createCore });
    const wrapStore = (store: Store): Store => ({
      ...store,
      channels: () => [
        { channel: 'dev', tag: '', joined: true, policy: {}, messages: 1, bytes: 1, lastArrival: 1 },
      ],
      readArrivals: ({ after }) => rows.filter(({ arrival }) => arrival > after),
    });
    other.add('A', { wrapStore });
    expect(() => new EphemeralChecker(other).end()).toThrow('A has stored');
  });

  it('catches what is shown twice or behind a newer one, what is forged, and what is none', () => {
    const again = verdictOn((checker) => {
      checker.effect(host, show(make()));
      checker.effect(host, show(make()));
    });
    expect(again).toContain('behind one that is as new');
    const junk = withSignature(messages, make(), new Uint8Array(64));
    expect(verdictOn((checker) => checker.sending(host, carry(junk)))).toContain('did not sign');
    const feed = make({ channel: `@${new World({ scenario: 'x', seed: 1, createCore }).add('B').identity}` });
    expect(verdictOn((checker) => checker.sending(host, carry(feed)))).toContain('may not write there');
    expect(verdictOn((checker) => checker.effect(host, show(make({ expiresMs: 0 }))))).toContain(
      'which is none',
    );
  });
});
