/** The commands about the agent of a daemon: allow, wake, inbox, and mentions of `mesh send`. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inboxRow } from '../../api/testing/fake-agent.ts';
import { IDENTITY, STRANGER } from '../../api/testing/fake-gate.ts';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import { type RunOptions, runCli } from '../testing/run-cli.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

const mesh = (argv: readonly string[], options?: RunOptions) =>
  runCli([...argv, '--data', api.folder], options);

describe('mesh allow', () => {
  it('lets an identity and gives it a name, and shows who may', async () => {
    expect((await mesh(['allow'])).stdout).toContain('Nobody may wake the agent.');
    const { stdout } = await mesh(['allow', STRANGER, '--name', 'anna']);
    expect(stdout).toBe(`anna (${STRANGER}) may wake the agent, in the channels that "mesh wake" names.\n`);
    const shown = (await mesh(['allow'])).stdout.split('\n');
    expect(shown[0]).toMatch(/^IDENTITY {2,}NAME {2}SINCE$/);
    expect(shown[1]).toMatch(new RegExp(`^${STRANGER} {2}anna {2}2026-11-`));
    expect((await mesh(['allow', '--json'])).json).toMatchObject([{ identity: STRANGER, name: 'anna' }]);
  });

  it('takes it back, by name too', async () => {
    await mesh(['allow', STRANGER, '--name', 'anna']);
    expect((await mesh(['allow', 'anna', '--remove'])).stdout).toBe(`${STRANGER} is a stranger now.\n`);
    expect((await mesh(['allow', STRANGER, '--remove', '--json'])).json).toEqual([
      { identity: STRANGER, wasContact: false },
    ]);
  });

  it('knows no one under a name that nobody has', async () => {
    const { code, stderr } = await mesh(['allow', 'berta', '--remove']);
    expect(code).toBe(2);
    expect(stderr).toContain('"berta" is no identity and no contact\'s name.');
  });

  it.each([[['--name', 'x']], [['--remove']], [[STRANGER, '--name', 'x', '--remove']]])(
    'refuses %j',
    async (argv) => {
      expect((await mesh(['allow', ...argv])).code).toBe(2);
      expect(api.gate.agent.people.size).toBe(0);
    },
  );
});

describe('mesh wake', () => {
  it('says what of a channel wakes the agent, and shows all', async () => {
    expect((await mesh(['wake'])).stdout).toContain('No channel wakes the agent.');
    const { stdout } = await mesh(['wake', '#dev', '--name', 'robo,ada']);
    expect(stdout).toBe(
      '#dev wakes the agent when a contact mentions it or answers it. It is also called @robo @ada.\n',
    );
    await mesh(['wake', 'lobby', '--on', 'always']);
    expect((await mesh(['wake'])).stdout).toMatchInlineSnapshot(`
      "CHANNEL  WAKES THE AGENT                           ALSO CALLED
      #dev     when a contact mentions it or answers it  @robo @ada
      lobby    with each message of a contact
      "
    `);
    expect((await mesh(['wake', '#dev', '--on', 'never'])).stdout).toBe('#dev wakes nobody.\n');
    expect((await mesh(['wake', '--json'])).json).toEqual([{ channel: 'lobby', wake: 'always', names: [] }]);
  });

  it('needs a channel to change something', async () => {
    const { code, stderr } = await mesh(['wake', '--on', 'always']);
    expect([code, stderr.includes('Say which channel')]).toEqual([2, true]);
  });
});

describe('mesh inbox', () => {
  it('is a table of what came, and what became of it', async () => {
    expect((await mesh(['inbox'])).stdout).toContain('Nothing came for the agent.');
    const at = new Date(2026, 10, 20, 14, 5, 6).toISOString();
    api.gate.agent.rows = [
      inboxRow({ at, state: 'answered', name: 'anna' }),
      inboxRow({ at, number: 12, state: 'held', reason: 'budget-spent', channel: 'a\u001bb' }),
    ];
    const { id } = inboxRow();
    expect((await mesh(['inbox'])).stdout).toBe(
      [
        `NUMBER  CAME                 CHANNEL  FROM      MESSAGE${' '.repeat(38)}WHAT BECAME OF IT`,
        `     1  2026-11-20 14:05:06  dev      anna      ${id}  answered`,
        `    12  2026-11-20 14:05:06  a\\x1bb   BBBBBBBB  ${id}  held back: the turns of this hour or day were spent`,
        '',
      ].join('\n'),
    );
    expect((await mesh(['inbox', '--limit', '1', '--json'])).json).toMatchObject([{ number: 12 }]);
  });
});

describe('mesh send --mention', () => {
  it('names identities, by id or by the name of a contact', async () => {
    await mesh(['allow', STRANGER, '--name', 'anna']);
    await mesh(['send', 'dev', 'hi', '--mention', `anna,${IDENTITY}`]);
    expect(api.gate.requests).toMatchObject([{ body: 'hi', mentions: [STRANGER, IDENTITY] }]);
  });

  it('keeps the payload beside it, and works for lines', async () => {
    await mesh(['send', 'dev', 'hi', '--mention', STRANGER, '--payload', '{"a":1}']);
    await mesh(['send', 'dev', '--lines', '--mention', STRANGER], { stdin: 'one\ntwo\n' });
    const mentions = [STRANGER];
    expect(api.gate.requests).toMatchObject([
      { payload: { a: 1 }, mentions },
      { body: 'one', mentions },
      { body: 'two', mentions },
    ]);
  });

  it('sends nothing to somebody unknown', async () => {
    expect((await mesh(['send', 'dev', 'hi', '--mention', 'nobody'])).code).toBe(2);
    expect(api.gate.requests).toEqual([]);
  });
});

describe('mesh status', () => {
  it('has a line on the agent where there is one, or is to be one', async () => {
    expect((await mesh(['status'])).stdout).not.toContain('Agent:');
    await mesh(['allow', STRANGER]);
    api.gate.agent.rows = [inboxRow({ state: 'waiting' }), inboxRow({ state: 'held', reason: 'too-old' })];
    expect((await mesh(['status'])).stdout).toContain(
      'Agent:    nothing is attached; 1 message waiting, 1 unanswered or held back in the last 24 hours\n',
    );
    api.gate.agent.client = { name: 'openclaw', since: inboxRow().at };
    expect((await mesh(['status'])).stdout).toContain('Agent:    attached as openclaw; 1 message waiting');
  });
});
