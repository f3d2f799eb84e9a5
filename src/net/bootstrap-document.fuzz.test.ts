/** A million damaged bootstrap lists: a list or a reason for each, and no address that is less public than its source. */
import { expect, it } from 'vitest';
import { utf8 } from '../core/bytes.ts';
import { fuzz, fuzzRounds } from '../core/fuzz.fixture.ts';
import { Random } from '../core/random.ts';
import { damaged } from '../core/wire/damage.fixture.ts';
import { hintProblem, parsePeerUrl } from './address.ts';
import { parseBootstrap } from './bootstrap-document.ts';

const ID = 'A'.repeat(43);
const list = (...peers: readonly unknown[]): Uint8Array =>
  utf8(JSON.stringify({ version: 1, peers, updated_at: '2026-11-20T00:00:00Z' }));
const originals = [
  list(),
  list({ peer_id: ID, ws_url: 'wss://relay.example/', capabilities: { relay: true, store: true } }),
  list({ peer_id: 'peer-0a1b2c3d', ws_url: 'ws://8.8.8.8:5000' }, { peer_id: ID, ws_url: 'ws://10.0.0.1/' }),
  list({ peer_id: ID, ws_url: 'ws://[2001:db8::1]:5000/x?y' }, null, 7, []),
];

it('the reader of bootstrap lists throws nothing and lets no inner address through', () => {
  const random = new Random(utf8('fuzz bootstrap lists, seed 1'));
  const outcomes = { list: 0, refused: 0 };
  fuzz(fuzzRounds(1_000_000), () => {
    const bytes = damaged(random, originals, () => 1 + random.below(3));
    const parsed = parseBootstrap(bytes, 'public');
    outcomes[parsed.ok ? 'list' : 'refused'] += 1;
    if (!parsed.ok) return;
    for (const { url } of parsed.addresses) {
      const again = parsePeerUrl(url);
      if (!again.ok || again.address.url !== url || hintProblem(again.address, 'public') !== undefined)
        throw new Error(`accepted ${JSON.stringify(url)}`);
    }
  });
  expect(outcomes.list).toBeGreaterThan(10_000);
  expect(outcomes.refused).toBeGreaterThan(10_000);
});
