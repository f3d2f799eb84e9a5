import { describe, expect, it } from 'vitest';
import type { Link } from '../link/link.ts';
import { LiveHome } from './live-home.ts';

const MINUTE = 60_000;

/** What the choice looks at. */
function home(distanceMs: number | undefined, fields: Partial<Link> = {}): Link {
  return { remoteRelay: true, upMs: 0, heardMs: 0, distanceMs, ...fields } as Link;
}

function liveAt(link: Link): LiveHome {
  const live = new LiveHome();
  live.set(link);
  return live;
}

describe('the live home relay', () => {
  it('moves to the nearest once all links have stood for five seconds', () => {
    const [far, near, nearest] = [home(80), home(40), home(20, { upMs: 3000 })];
    const live = liveAt(far);
    expect(live.prefer([far, near, nearest], 7999)).toBe(false);
    expect(live.prefer([far, near, nearest], 8000)).toBe(true);
    expect(live.link).toBe(nearest);
  });

  it.each([
    ['a little nearer', home(17), 20],
    ['nearer by less than can be felt', home(1), 5],
    ['not measured yet', home(undefined), 80],
    ['no relay any more', home(20, { remoteRelay: false }), 80],
  ])('stays where another one is %s', (_, other, distanceMs) => {
    const here = home(distanceMs);
    const live = liveAt(here);
    expect(live.prefer([here, other], MINUTE)).toBe(false);
    expect(live.link).toBe(here);
  });

  it('moves once a minute at most', () => {
    const [far, near, nearest] = [home(80), home(40), home(20)];
    const live = liveAt(far);
    expect(live.prefer([far, near], MINUTE)).toBe(true);
    expect(live.prefer([far, near, nearest], 2 * MINUTE - 1)).toBe(false);
    expect(live.prefer([far, near, nearest], 2 * MINUTE)).toBe(true);
  });

  it('never moves back to one that did not do its work', () => {
    const [near, far] = [home(20), home(80)];
    const live = liveAt(near);
    expect(live.distrust(near, [far])).toBe(true);
    expect(live.link).toBe(far);
    expect(live.prefer([near, far], MINUTE)).toBe(false);
  });

  it('is not moved from by distrust of another one, which it is never given to after that', () => {
    const [here, bad, good] = [home(80), home(20, { heardMs: 9 }), home(90)];
    const live = liveAt(here);
    expect(live.distrust(bad, [here, good])).toBe(true);
    expect(live.link).toBe(here);
    expect(live.prefer([here, bad, good], MINUTE)).toBe(false);
    live.lost([bad, good]);
    expect(live.link).toBe(good);
    live.lost([bad]);
    expect(live.link).toBe(bad);
  });

  it('stays with one that did not do its work where there is no other', () => {
    const only = home(20);
    const live = liveAt(only);
    expect(live.distrust(only, [])).toBe(false);
    expect(live.link).toBe(only);
  });

  it('is followed by the relay that was heard last, by anybody where there is none, by nobody else', () => {
    const [early, late] = [home(10, { heardMs: 1 }), home(90, { heardMs: 2 })];
    const stranger = home(1, { remoteRelay: false, heardMs: 3 });
    const live = liveAt(home(20));
    live.lost([early, late, stranger]);
    expect(live.link).toBe(late);
    live.lost([stranger]);
    expect(live.link).toBe(stranger);
    live.lost([]);
    expect(live.link).toBe(undefined);
  });
});
