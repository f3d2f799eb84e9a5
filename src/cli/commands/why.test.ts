import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inboxRow } from '../../api/testing/fake-agent.ts';
import {
  allWhys,
  at,
  EQUIVOCATION,
  HERE,
  LEAF_PATH,
  MISSING,
  ownWhy,
  RELAY_PATH,
  whyOf,
} from '../../api/testing/fake-why.ts';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import type { WhyView } from '../../daemon/index.ts';
import { runCli } from '../testing/run-cli.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

async function why(view: WhyView, ...more: string[]): Promise<string[]> {
  api.gate.whys.set(view.id, view);
  const { code, stdout, stderr } = await runCli(['why', view.id, '--data', api.folder, ...more]);
  expect([code, stderr]).toEqual([0, '']);
  return stdout.split('\n');
}

it('mesh why says of an own message that was deleted that it is, and not that it waits', async () => {
  const lines = await why({ ...ownWhy(MISSING['no-link']), here: HERE.deleted });
  expect(lines[0]).toBe('Deleted: its author deleted it, and only its header is left.');
  expect(lines.filter((line) => /Missing|Came/.test(line))).toEqual([]);
});

describe('mesh why warns of an author with two messages after the same one', () => {
  it.each([
    ['a stranger', whyOf({ equivocation: EQUIVOCATION }), /others may have been shown another history/],
    [
      'an own identity',
      { ...ownWhy(MISSING.nothing), equivocation: EQUIVOCATION },
      /somebody else uses the key of this identity/,
    ],
  ])('%s', async (_, view, words) => {
    const lines = await why(view);
    const at = lines.findIndex((line) => line.startsWith('Beware:'));
    expect(lines[at]).toContain('MMMMMMMM and PPPPPPPP');
    expect(lines[at + 1]).toMatch(words);
  });
});

describe('mesh why says of an own message in its first line', () => {
  it.each([
    ['nothing', 'Stored: a relay has it on its disk.'],
    ['expired', 'Expired: its time was over before anybody said that it is on disk.'],
    ['no-link', 'Waiting: it is on this disk only; no link is up.'],
    ['no-relay', 'Waiting: it is on this disk only; no relay is linked with this one.'],
    ['confirmation', 'Waiting: it is on this disk only; the word of the home relay NNNNNNNN is missing.'],
    ['turn', 'Waiting: it is on this disk only; its turn at the relay NNNNNNNN has not come.'],
  ] as const)('%s', async (kind, line) => {
    expect((await why(ownWhy(MISSING[kind])))[0]).toBe(line);
  });

  it('who stored it', async () => {
    const stored = (peer: string) => ({ peer, at: null, standing: null });
    const peers = ['N', 'F'].map((letter) => stored(`${letter.repeat(42)}E`));
    expect((await why(ownWhy(MISSING.nothing, { storedBy: peers.slice(0, 1) })))[0]).toBe(
      'Stored: the relay NNNNNNNN has it on its disk.',
    );
    expect((await why(ownWhy(MISSING.nothing, { storedBy: peers })))[0]).toBe(
      'Stored: 2 relays have it on their disks.',
    );
  });

  it('no better word than what is known, once it was taken', async () => {
    const takenBy = [{ peer: `${'F'.repeat(42)}E`, at: at(-2) }];
    const view = ownWhy(MISSING['no-relay'], { state: 'relayed', takenBy, moreTakers: 1 });
    expect((await why(view))[0]).toBe(
      'On its way: 2 peers took it, and none that counts has said that it is on disk; no relay is linked with this one.',
    );
  });
});

describe('mesh why takes an id', () => {
  it('that begins with a dash, and its beginning', async () => {
    const view = whyOf({ here: HERE.held });
    for (const id of [`-${'N'.repeat(42)}`, '-NNNNN', '-1e2-5']) {
      api.gate.whys.set(id, view);
      const { code, stdout, stderr } = await runCli(['why', id, '--json', '--data', api.folder]);
      expect([code, stderr, JSON.parse(stdout)]).toEqual([0, '', view]);
    }
  });
});

describe('mesh why gives the reasons of an own message', () => {
  it('with what would help next', async () => {
    expect(await why(ownWhy(MISSING['no-link']))).toEqual(
      expect.arrayContaining([
        'Missing:   a link to a relay.',
        'Next:      ws://near/ is dialled in 12 s, and 2 more addresses after it; last try: ECONNREFUSED.',
      ]),
    );
    const alone = await why(ownWhy(MISSING['no-relay']));
    expect(alone).toContain(
      'Missing:   a relay that keeps it. FFFFFFFF, LLLLLLLL and 1 more are leaves: their word does not count.',
    );
    expect(alone.join('\n')).toContain('no address is known to dial. Name one in MESH_PEERS');
    expect(await why(ownWhy(MISSING.confirmation))).toContain(
      'Next:      it is sent again in 6 s if nothing is heard until then.',
    );
  });

  it('with who took it, who stored it, and how that counted', async () => {
    const view = allWhys().find(({ delivery }) => delivery?.storedBy.length === 2) as WhyView;
    expect(await why(view)).toEqual(
      expect.arrayContaining([
        'Taken by:  NNNNNNNN 2 s ago, and 3 more',
        'Stored by: NNNNNNNN 1 s ago; it counts though it dialled this daemon, so that its address is not proven: no better relay was linked',
        'Stored by: FFFFFFFF before this daemon was started',
        'Attempts:  2, the first 12 s ago',
      ]),
    );
  });
});

describe('mesh why says of a message of somebody else', () => {
  it.each([
    ['held', 'Here: it is on this disk.', 'Arrival:   number 17 at this daemon'],
    [
      'wanted',
      'Put off: only',
      'Next:      it was asked for and did not come; again in 60 s at the earliest',
    ],
    ['dropped', 'Dropped: only', 'Why:       the content of whoever takes most room'],
    ['expired', 'Expired: it is', 'Arrival:   number 17'],
    ['passed', 'Passed on: it', "Next:      to keep it: mesh join '#dev'"],
    ['refused', 'Refused: it came', 'Why:       its signature is wrong'],
  ] as const)('where it is: %s', async (state, first, reason) => {
    const lines = await why(whyOf({ here: HERE[state] }));
    expect(lines[0]).toContain(first);
    expect(lines.some((line) => line.startsWith(reason))).toBe(true);
    expect(lines).toContain('Came:      over the link with NNNNNNNN, 29 s ago');
  });

  it('what the desk decided', async () => {
    const agentLine = async (agent: WhyView['agent']) =>
      (await why(whyOf({ agent }))).find((line) => line.startsWith('Agent:'));
    expect(await agentLine({ kind: 'inbox', row: inboxRow({ state: 'held', reason: 'too-old' }) })).toMatch(
      /it was for the agent, number \d+ of "mesh inbox": held back: it was too old when it came/,
    );
    expect(await agentLine({ kind: 'passed-over', because: 'stranger' })).toBe(
      'Agent:     not woken: its author is not among those who may wake it ("mesh allow")',
    );
    expect(await agentLine({ kind: 'no-agent' })).toBeUndefined();
  });

  it('what is known of refused copies alone', async () => {
    const lines = await why(
      whyOf({ message: null, channel: null, path: null, came: null, agent: null, here: HERE.refused }),
    );
    expect(lines.filter((line) => line !== '')).toHaveLength(4);
  });
});

describe('mesh why shows the path', () => {
  it('of a relay hop by hop, with what is left out and what is cut off', async () => {
    const lines = await why(whyOf({ path: RELAY_PATH }));
    expect(lines.slice(lines.indexOf('') + 1).join('\n')).toContain(
      [
        'The path of #dev on the map, from OOOOOOOO, where it enters the mesh:',
        '  OOOOOOOO: this relay, wants the channel',
        '    NNNNNNNN at ws://near/: linked with this relay, passes it on',
        '      FFFFFFFF: wants the channel',
        '  ... and 312 more relays.',
        'Cut off: LLLLLLLL at ws://lost/ wants #dev, and no path on the map leads there: it names links that the other ends do not confirm',
      ].join('\n'),
    );
    expect(lines).toContain('Leaves of this relay that want it: FFFFFFFF (gets it at once), and 2 more.');
  });

  it('that cannot be told because its root is gone', async () => {
    const root = { ...RELAY_PATH.root, basis: 'came', known: false } as const;
    const text = (await why(whyOf({ path: { ...RELAY_PATH, root } }))).join('\n');
    expect(text).toContain(
      'is not on the map any more: no path can be told.\n3 relays that we know of want #dev.',
    );
    expect(text).not.toContain('Cut off');
  });

  it('of a leaf as far as it knows it', async () => {
    const lines = await why(whyOf({ path: LEAF_PATH, role: 'leaf' }));
    expect(lines.slice(-6)).toEqual([
      '  OOOOOOOO: this peer, a leaf',
      '    NNNNNNNN: home relay, passes messages on at once; keeps #dev, keeps joined channels for this peer while it is away',
      '    FFFFFFFF: second home relay, announces them; was told that this peer wants #dev, and has not answered yet',
      '    LLLLLLLL: second home relay, announces them; was not told of #dev, because it is not joined here',
      'A leaf keeps no map. What lies behind its home relays, "mesh why" tells at a relay.',
      '',
    ]);
  });
});

it('mesh why writes out what could mislead a terminal, in every answer', async () => {
  for (const view of allWhys()) {
    const message = view.message && { ...view.message, channel: 'a\u001b[2J\nb' };
    const text = (await why({ ...view, message })).join('\n');
    expect(text).not.toContain('\u001b');
    if (message !== null) expect(text).toContain('a\\x1b[2J\\x0ab');
  }
});

it('mesh why gives the whole answer with --json, and fails with the code of an unknown id', async () => {
  for (const view of allWhys()) {
    api.gate.whys.set(view.id, view);
    expect((await runCli(['why', view.id, '--json', '--data', api.folder])).json).toEqual([view]);
  }
  const { code, stderr } = await runCli(['why', 'AAAAAA', '--json', '--data', api.folder]);
  expect([code, JSON.parse(stderr)]).toMatchObject([1, { code: 'not_found' }]);
});
