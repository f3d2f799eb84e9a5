/** Which links a peer looks for, keeps and turns away. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Bench } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import { addressGroup } from './address-group.ts';
import { idOf, peerRecord, sendRecords } from './records.fixture.ts';

/** A relay with so many relays that dialled in and so many that it dialled. */
function relayWith(inbound: number, outbound: number): { bench: Bench; remotes: Remote[] } {
  const bench = new Bench();
  const remotes: Remote[] = [];
  for (let i = 0; i < inbound + outbound; i++) {
    const role = i < inbound ? 'dialler' : 'responder';
    remotes.push(bench.connect(`relay ${i}`, { relay: true, role }));
  }
  bench.run(2000);
  return { bench, remotes };
}

const isClosed = (remote: Remote): boolean => remote.closed !== undefined;

describe('a relay', () => {
  it('takes 8 relays that dial in and leaves room for 4 that it dials; one more is told where to look', () => {
    const { bench, remotes } = relayWith(8, 0);
    expect(remotes.some(isClosed)).toBe(false);
    const far = authorOf('far');
    const first = remotes[0] as Remote;
    const sequence = Math.floor(bench.now.wallMs);
    sendRecords(
      first,
      peerRecord(first.key, { sequence, links: [bench.peerId], urls: ['ws://first.example/'] }),
      peerRecord(far, { sequence, urls: ['ws://far.example/'] }),
    );
    bench.run(2000);
    const late = bench.connect('late', { relay: true });
    bench.run(100);
    expect(late.refusal).toBe('too_many_links');
    expect(late.got('addresses')[0]?.relays).toEqual([{ peer: first.id, urls: ['ws://first.example/'] }]);
    expect(relayWith(0, 12).remotes.some(isClosed)).toBe(false);
    expect(relayWith(8, 5).remotes.filter(isClosed)).toHaveLength(1);
  });

  it('serves 250 leaves', () => {
    const bench = new Bench();
    const leaves = Array.from({ length: LIMITS.leavesMax + 1 }, (_, i) => bench.connect(`leaf ${i}`));
    bench.run(100);
    expect(leaves.filter(isClosed).map(({ name }) => name)).toEqual([`leaf ${LIMITS.leavesMax}`]);
  });

  it('dials until it has 6 neighbours, 4 of them by itself', () => {
    const wanted = (inbound: number, outbound: number): number => {
      const { bench } = relayWith(inbound, outbound);
      const mark = bench.mark;
      for (let i = 0; i < 20; i++)
        bench.event({
          ...{ kind: 'addresses', source: 'list', scope: 'loopback', fixed: false },
          addresses: [{ url: `ws://candidate${i}.example/`, peer: '' }],
        });
      bench.run(10_000);
      return bench.of('dial', mark).length;
    };
    // The relay that nobody needs more of tries one address as a feeler.
    expect([wanted(1, 0), wanted(8, 0), wanted(6, 3), wanted(1, 3)]).toEqual([5, 4, 1, 2]);
  });

  it('prefers address groups that it has no link with', () => {
    const bench = new Bench();
    bench.connect('in', { relay: true });
    bench.connect('out', { relay: true, role: 'responder', url: 'ws://198.51.100.1:5000/' });
    const mark = bench.mark;
    const urls = ['ws://198.51.7.7:5000/', 'ws://203.0.113.5:5000/', 'ws://198.51.8.8:5000/'];
    const addresses = urls.map((url) => ({ url, peer: '' }));
    bench.event({ kind: 'addresses', source: 'list', scope: 'loopback', addresses, fixed: false });
    bench.run(5000);
    expect(bench.of('dial', mark)[0]?.url).toBe('ws://203.0.113.5:5000/');
  });

  it('drops a feeler that leads to a relay of its map, and keeps one that does not', () => {
    for (const isKnown of [true, false]) {
      const { bench, remotes } = relayWith(3, 4);
      const [a] = remotes as [Remote];
      const known = authorOf('felt');
      const sequence = Math.floor(bench.now.wallMs);
      const links = isKnown ? [bench.peerId, idOf(known)] : [bench.peerId];
      sendRecords(a, peerRecord(a.key, { sequence, links }), peerRecord(known, { sequence, links: [a.id] }));
      const addresses = [{ url: 'ws://felt.example:5000/', peer: '' }];
      bench.event({ kind: 'addresses', source: 'list', scope: 'loopback', addresses, fixed: false });
      bench.run(3000);
      expect(bench.of('dial').map(({ url }) => url)).toContain('ws://felt.example:5000/');
      const felt = bench.connect('felt', { relay: true, role: 'responder', url: 'ws://felt.example:5000/' });
      bench.run(100);
      expect([isClosed(felt), felt.refusal]).toEqual([isKnown, isKnown ? 'not_needed' : '']);
    }
  });
});

describe('a peer that starts again', () => {
  it('dials the two addresses first that were linked last', () => {
    const proven = Array.from({ length: 20 }, (_, i) => {
      return {
        url: `ws://host${i}.example/`,
        peer: idOf(authorOf(`peer ${i}`)),
        provenMs: i === 4 || i === 9 ? 50 : i,
      };
    });
    const bench = new Bench({ state: { addresses: proven } });
    bench.run(2500);
    const dialled = bench.of('dial').map(({ url }) => url);
    expect(dialled.slice(0, 2).sort()).toEqual(['ws://host4.example/', 'ws://host9.example/']);
  });
});

describe('a leaf', () => {
  it('makes the home relay live that it heard last, when the live one goes', () => {
    const bench = new Bench();
    const homes = ['live', 'silent', 'talking'].map((name) =>
      bench.connect(name, { relay: true, role: 'responder', isSilent: name === 'silent' }),
    );
    bench.run(30_000);
    homes[0]?.hangUp();
    bench.run(100);
    const kinds = bench.peer.snapshot(bench.now).links.map(({ peer, kind }) => [peer, kind]);
    expect(kinds).toEqual([
      [homes[1]?.id, 'home-standby'],
      [homes[2]?.id, 'home-live'],
    ]);
  });
});

describe('an address group', () => {
  it.each([
    ['198.51.100.7', '198.51'],
    ['[2001:db8:1::7]', '2001:db8'],
    ['peer.mesh.example', 'mesh.example'],
    ['localhost', 'localhost'],
  ])('of %s is %s', (host, group) => {
    expect(addressGroup(host)).toBe(group);
  });
});
