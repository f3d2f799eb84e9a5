import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Leaf, Mesh, MeshEvent } from '../../website/picture/types.d.ts';
import '../../website/picture/map.js';
import '../../website/picture/catch-up.js';
import '../../website/picture/model.js';
import '../../website/picture/words.js';

const { HOP_MS, create, send, toggle, advance, isQuiet, takeEvents } = globalThis.meshModel;
const { tree, wantedChildren, holds, isLinked } = globalThis.meshMap;

/** Runs until nothing is on its way. */
function settle(mesh: Mesh): MeshEvent[] {
  for (let i = 0; i < 2000 && !isQuiet(mesh); i++) advance(mesh, mesh.now + HOP_MS / 3);
  expect(isQuiet(mesh)).toBe(true);
  return takeEvents(mesh);
}

function leaf(mesh: Mesh, id: string): Leaf {
  const node = mesh.nodes.get(id);
  if (node?.kind !== 'leaf') throw new Error(`${id} is no leaf`);
  return node;
}

const has = (mesh: Mesh, id: string): number[] => [...(mesh.nodes.get(id)?.has ?? [])].sort();
const arrivals = (events: readonly MeshEvent[]): string[] =>
  events.flatMap((one) =>
    one.type === 'arrived' ? [`${one.leaf} ${one.message} ${one.how} ${one.relay}`] : [],
  );

describe('the map of the picture', () => {
  it('has the breadth-first tree of each root, and the smallest id as parent among equals', () => {
    expect([...tree(create(), 'R1')].sort()).toEqual([
      ['R2', 'R1'],
      ['R3', 'R2'],
      ['R4', 'R1'],
      ['R5', 'R2'],
      ['R6', 'R3'],
    ]);
  });

  it('wants copies only where somebody below is interested', () => {
    const mesh = create();
    expect(wantedChildren(mesh, 'R1', 'R1')).toEqual(['R2']);
    expect(wantedChildren(mesh, 'R2', 'R1')).toEqual(['R3']);
    expect(wantedChildren(mesh, 'R4', 'R4')).toEqual(['R1', 'R5']);
  });

  it('computes the tree anew when a relay is off', () => {
    const mesh = create();
    toggle(mesh, 'R2');
    expect(tree(mesh, 'R1').get('R2')).toBeUndefined();
    expect([...tree(mesh, 'R1').keys()].sort()).toEqual(['R3', 'R4', 'R5', 'R6']);
  });
});

describe('a message in the picture', () => {
  it('goes to its root, down the tree, and to the leaves that joined, once each', () => {
    const mesh = create();
    send(mesh, 'Anna');
    const events = settle(mesh);
    expect(events[0]).toEqual({ type: 'signed', leaf: 'Anna', relay: 'R1', message: 1 });
    expect(events).toContainEqual({ type: 'rooted', relay: 'R1', message: 1, children: ['R2'] });
    expect(arrivals(events)).toEqual(['Ben 1 pushed R3', 'Chen 1 pushed R6']);
    expect(has(mesh, 'Dora')).toEqual([]);
    expect(leaf(mesh, 'Anna').own.get(1)).toBe('stored');
  });

  it('is stored only by relays that hold the channel', () => {
    const mesh = create();
    send(mesh, 'Anna');
    settle(mesh);
    expect(['R1', 'R2', 'R3', 'R4', 'R5', 'R6'].map((id) => has(mesh, id).length)).toEqual([
      1, 1, 1, 0, 0, 1,
    ]);
  });

  it('crosses a relay on the way, which passes it on without keeping it', () => {
    const mesh = create();
    send(mesh, 'Dora');
    const events = settle(mesh);
    expect(events).toContainEqual({ type: 'passed', relay: 'R5', message: 1, children: ['R6'] });
    expect(has(mesh, 'R5')).toEqual([]);
    expect(has(mesh, 'R4')).toEqual([1]); // its author published there: the channel is carried
    expect(arrivals(events).length).toBe(3);
  });

  it('is confirmed as stored before anybody else has it, and its author may leave then', () => {
    const mesh = create();
    send(mesh, 'Anna');
    advance(mesh, mesh.now + 2 * HOP_MS);
    expect(leaf(mesh, 'Anna').own.get(1)).toBe('stored');
    expect(has(mesh, 'Chen')).toEqual([]);
    toggle(mesh, 'Anna');
    settle(mesh);
    expect(has(mesh, 'Chen')).toEqual([1]);
  });

  it('waits in the mailbox of who is away, and is fetched after a comparison', () => {
    const mesh = create();
    toggle(mesh, 'Chen');
    send(mesh, 'Ben');
    const kept = settle(mesh).filter(({ type }) => type === 'kept');
    expect(kept).toEqual([
      { type: 'kept', relay: 'R3', leaf: 'Chen', message: 1 },
      { type: 'kept', relay: 'R6', leaf: 'Chen', message: 1 },
    ]);
    expect(has(mesh, 'Chen')).toEqual([]);
    toggle(mesh, 'Chen');
    expect(arrivals(settle(mesh))).toEqual(['Chen 1 catch-up R6']);
  });

  it('is pushed again by its author if the relay goes off while it is on the way', () => {
    const mesh = create();
    send(mesh, 'Anna');
    advance(mesh, mesh.now + HOP_MS / 2);
    toggle(mesh, 'R1');
    const events = settle(mesh);
    expect(events).toContainEqual({ type: 'lost', from: 'Anna', to: 'R1', message: 1 });
    expect(events).toContainEqual({ type: 'moved', leaf: 'Anna', relay: 'R2', again: [1] });
    expect(arrivals(events).map((line) => line.split(' ')[0])).toEqual(['Ben', 'Chen']);
    expect(leaf(mesh, 'Anna').own.get(1)).toBe('stored');
  });

  it('stays queued while there is no relay, and leaves when one is there', () => {
    const mesh = create();
    const relays = ['R1', 'R2', 'R3', 'R4', 'R5', 'R6'];
    for (const id of relays) toggle(mesh, id);
    takeEvents(mesh);
    send(mesh, 'Anna');
    expect(takeEvents(mesh)).toEqual([{ type: 'signed', leaf: 'Anna', relay: null, message: 1 }]);
    expect(leaf(mesh, 'Anna').own.get(1)).toBe('queued');
    toggle(mesh, 'R5');
    settle(mesh);
    expect(leaf(mesh, 'Anna').own.get(1)).toBe('stored');
    expect(has(mesh, 'Ben')).toEqual([1]);
  });

  it('is fetched from a standby relay that announced it, if the live one goes off with it', () => {
    const mesh = create();
    send(mesh, 'Ben');
    // R3 has it and has passed it on; the copy from R1 to Anna is on its way.
    advance(mesh, mesh.now + 3.5 * HOP_MS);
    toggle(mesh, 'R1');
    expect(arrivals(settle(mesh))).toContain('Anna 1 announced R2');
  });
});

describe('the mesh of the picture', () => {
  const everybody = [...create().nodes.keys()];
  const step = fc.record({
    node: fc.constantFrom(...everybody),
    isSend: fc.boolean(),
    pauseMs: fc.integer({ min: 0, max: 4 * HOP_MS }),
  });

  it('whatever is switched, brings every message to all who joined, and invents none', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const mesh = create();
        for (const { node, isSend, pauseMs } of steps) {
          if (isSend) send(mesh, node);
          else toggle(mesh, node);
          advance(mesh, mesh.now + pauseMs);
        }
        for (const { id, isOn } of [...mesh.nodes.values()]) if (!isOn) toggle(mesh, id);
        settle(mesh);
        const all = mesh.signedAt.map((_, i) => i + 1);
        for (const node of mesh.nodes.values()) {
          if (holds(node))
            expect(
              [...node.has].sort((a, b) => a - b),
              node.id,
            ).toEqual(all);
          expect(node.has.size).toBeLessThanOrEqual(all.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('lets nothing travel where there is no link', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const mesh = create();
        for (const { node, isSend, pauseMs } of steps) {
          if (isSend) send(mesh, node);
          else toggle(mesh, node);
          for (const one of mesh.pending)
            if (one.type !== 'want')
              expect(isLinked(mesh, one.from, one.to), `${one.from} ${one.to}`).toBe(true);
          advance(mesh, mesh.now + pauseMs);
        }
      }),
    );
  });

  it('plays the same for the same steps', () => {
    const play = (): MeshEvent[] => {
      const mesh = create();
      send(mesh, 'Anna');
      toggle(mesh, 'R3');
      send(mesh, 'Emil');
      return settle(mesh);
    };
    expect(play()).toEqual(play());
  });
});

describe('the words of the picture', () => {
  const { event, state, press } = globalThis.meshWords;

  it('tell every event as sentences', () => {
    const mesh = create();
    const told: string[] = [];
    for (const id of ['Chen', 'R2', 'Chen', 'R2', 'R6', 'R6']) {
      send(mesh, 'Anna');
      advance(mesh, mesh.now + HOP_MS / 2);
      toggle(mesh, id);
      told.push(...settle(mesh).map(event));
    }
    for (const id of ['R1', 'R2', 'R3', 'R4', 'R5', 'R6']) toggle(mesh, id);
    toggle(mesh, 'Ben');
    toggle(mesh, 'Ben');
    told.push(...settle(mesh).map(event));
    expect(told.length).toBeGreaterThan(40);
    for (const line of told) expect(line).toMatch(/^[A-Z][^{}]*[a-z0-9]\.$/);
    expect(told.join('\n')).not.toMatch(/undefined|null|NaN/);
    expect(told).toContain('Anna has no relay left.');
    expect(told).toContain('Ben is back, and finds no relay.');
  });

  it('say how each node stands, and what its button does', () => {
    const mesh = create();
    send(mesh, 'Anna');
    toggle(mesh, 'Chen');
    settle(mesh);
    const words = (id: string): string => {
      const node = mesh.nodes.get(id);
      if (node === undefined) throw new Error(id);
      return `${press(node).join(id)}: ${state(mesh, node)}`;
    };
    expect(words('Anna')).toBe(
      'Send a message from Anna: In #dev: live R1, standby R2. Has message 1. Sent: 1 stored.',
    );
    expect(words('Chen')).toBe('Bring Chen back: Away. In #dev. Has no message.');
    expect(words('R6')).toBe('Switch R6 off: Holds #dev: message 1. Mailbox for Chen.');
    expect(words('R5')).toBe('Switch R5 off: Nobody here wants #dev: passes it on only.');
  });
});
