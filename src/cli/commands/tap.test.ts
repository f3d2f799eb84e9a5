import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TAP_NAMES } from '../../api/client/index.ts';
import { TAPPED } from '../../api/testing/fake-why.ts';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import { TAP_TYPES, type TapItem } from '../../daemon/index.ts';
import { runCli } from '../testing/run-cli.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
  api.gate.tapped = TAPPED;
});
afterEach(() => api.stop());

describe('mesh tap', () => {
  it('shows a line for each frame and event, and says at both ends what it is', async () => {
    const { code, stdout, stderr } = await runCli(['tap', '--data', api.folder]);
    const lines = stdout.trimEnd().split('\n');
    const time = /^\d\d:\d\d:\d\d\.000 {2}/;
    expect(lines.every((line) => time.test(line))).toBe(true);
    expect(lines.map((line) => line.replace(time, ''))).toEqual([
      'in   NNNNNNNN  push  412 bytes  root="" keep=true messages=[40: {id=MMMMMMMM channel=#dev body="hello\\x0a\\x1b[2Jworld \\"x\\"" payloadBytes=3}, ...]',
      'out  link 3    auth  80 bytes  url=ws://x/ signature=64 bytes a1b2c3d4',
      'in   NNNNNNNN  refused  9 bytes  invalid_message: a frame that is none  begins with "ff00"',
      'out  link 3    opened  ws://x/',
      '---  NNNNNNNN  closed  by the other side  connection closed',
      '---  NNNNNNNN  closed  by this daemon  banned: too many offences',
      '---  5 frames not shown: this terminal reads too slowly (12 so far)',
    ]);
    expect(stderr).toContain('Showing what passes over 2 links, without ping and pong.');
    expect(stderr).toContain('The daemon has stopped.');
    expect(code).toBe(0);
  });

  it('prints an object a line with --json', async () => {
    const { json, stderr } = await runCli(['tap', '--json', '--data', api.folder]);
    expect(json).toEqual(TAPPED);
    expect(stderr).toBe('');
  });

  it('asks for what is wanted, and names what no frame is called', async () => {
    for (const peer of ['NNNNNN', '-NNNNN'])
      await runCli(['tap', '--peer', peer, '--type', 'push, stored', '--data', api.folder]);
    expect(api.gate.taps).toMatchObject([{ peer: 'NNNNNN', types: ['push', 'stored'] }, { peer: '-NNNNN' }]);
    const { code, stderr } = await runCli(['tap', '--type', 'pusch', '--data', api.folder]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('No frame is called "pusch".')]);
    expect(api.gate.taps).toHaveLength(2);
  });

  it('knows the names that the daemon knows, and its help lists them', async () => {
    expect([...TAP_NAMES].sort()).toEqual([...TAP_TYPES].sort());
    const words = (await runCli(['tap', '--help'])).stdout.replaceAll(/\s+/g, ' ');
    expect(words).toContain(TAP_NAMES.join(', '));
  });

  it('shows people ping and pong only if they ask for them, and programs everything', async () => {
    const frame = (type: 'ping' | 'role'): TapItem => ({
      ...{ kind: 'frame', time: '2026-01-01T00:00:00.000Z', link: 3, peer: null, direction: 'in' },
      ...{ protocol: 'mesh/2', bytes: 9, type, fields: {} },
    });
    api.gate.tapped = [TAPPED[0] as TapItem, frame('ping'), frame('role'), TAPPED.at(-1) as TapItem];
    const shown = async (...argv: string[]) => runCli(['tap', '--data', api.folder, ...argv]);
    expect((await shown()).stdout).toMatch(/^\S+ {2}in {3}link 3 {4}role {2}9 bytes\n$/);
    const asked = await shown('--type', 'ping,role');
    expect(asked.stdout).toMatch(/ping[\s\S]*role/);
    expect(asked.stderr).not.toContain('without');
    expect((await shown('--json')).json).toHaveLength(4);
  });

  it('ends with 0 at a signal', async () => {
    let raise: () => void = () => undefined;
    api.gate.tap = async function* ({ signal }): AsyncGenerator<TapItem> {
      yield TAPPED[1] as TapItem;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    };
    const { code, stderr } = await runCli(['tap', '--json', '--data', api.folder], {
      onSignal: (ask) => {
        raise = ask;
      },
      onStdout: () => raise(),
    });
    expect([code, stderr]).toEqual([0, '']);
  });

  it('fails where the daemon is gone without a word', async () => {
    api.gate.tapped = TAPPED.slice(0, 2);
    const { code, stderr } = await runCli(['tap', '--data', api.folder]);
    expect([code, stderr]).toEqual([3, expect.stringContaining('has ended the connection')]);
  });
});
