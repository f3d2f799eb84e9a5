import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeId } from '../../api/testing/fake-gate.ts';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import { type RunOptions, runCli } from '../testing/run-cli.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

const send = (argv: readonly string[], options?: RunOptions) =>
  runCli(['send', ...argv, '--data', api.folder], options);
const bodies = () => api.gate.requests.map((request) => request.body);

describe('mesh send', () => {
  it('prints id and state', async () => {
    const { code, stdout, stderr } = await send(['#dev', 'hello']);
    const id = api.gate.list[0]?.id;
    expect([code, stdout, stderr]).toEqual([0, `${id} queued\n`, '']);
    expect((await send(['#dev', 'hello', '--json'])).json).toEqual([
      { id: api.gate.list[1]?.id, state: 'queued' },
    ]);
    expect(api.gate.requests[0]).toEqual({ channel: '#dev', body: 'hello' });
  });

  it('carries payload, reply and key', async () => {
    const payloadText = '{"b":1.0,"a":[12345678901234567890]}';
    const options = ['--payload', payloadText, '--reply', fakeId('r'), '--idempotency-key', 'k'];
    await send(['dev', 'x', ...options]);
    const refs = [{ relation: 'reply', id: fakeId('r') }];
    expect(api.gate.requests).toEqual([
      { channel: 'dev', body: 'x', payloadText, refs, idempotencyKey: 'k' },
    ]);
    await send(['dev', 'x', '--payload', 'null']);
    expect(api.gate.requests[1]).toEqual({ channel: 'dev', body: 'x', payloadText: 'null' });
  });

  it('with --typing says that somebody types, and sends nothing', async () => {
    const reply = fakeId('r');
    expect(await send(['dev', '--typing', '--reply', reply])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect((await send(['dev', '--typing', '--json'])).json).toEqual([
      { channel: 'dev', run: fakeId('a new run') },
    ]);
    const asked = { channel: 'dev', kind: 'activity', doing: 'typing' };
    expect(api.gate.ephemeralRequests).toEqual([
      { ...asked, refs: [{ relation: 'reply', id: reply }] },
      { ...asked, refs: [] },
    ]);
    expect(api.gate.list).toEqual([]);
    for (const more of [['x'], ['--lines'], ['--wait', 'stored'], ['--payload', '1'], ['--mention', 'anna']])
      expect((await send(['dev', '--typing', ...more])).code).toBe(2);
    expect(api.gate.ephemeralRequests).toHaveLength(2);
  });

  it('takes an id that begins with a dash', async () => {
    const dashed = (n: number) => fakeId(`${n}`).replace(/^./, '-');
    const id = Array.from({ length: 1000 }, (_, n) => dashed(n)).find((text) => text[1] === '-') as string;
    for (const reply of [dashed(1), id]) {
      expect((await send(['dev', 'x', '--reply', reply])).code).toBe(0);
      expect(api.gate.requests.at(-1)?.refs).toEqual([{ relation: 'reply', id: reply }]);
    }
  });

  it('does not send what looks like a mistyped option', async () => {
    const { code, stderr } = await send(['dev', '-follow']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('Unknown arguments')]);
    expect(api.gate.requests).toHaveLength(0);
  });

  it('takes any text as it is', async () => {
    for (const text of ['', '007', '1e3', '-5', 'two words']) await send(['dev', text]);
    const { code } = await runCli(['send', 'dev', '--data', api.folder, '--', '--json -']);
    expect(code).toBe(0);
    expect(bodies()).toEqual(['', '007', '1e3', '-5', 'two words', '--json -']);
  });

  it('reads the text from standard input', async () => {
    await send(['dev', '-'], { stdin: 'two\nlines\n' });
    expect(bodies()).toEqual(['two\nlines']);
    const large = await send(['dev', '-', '--json'], { stdin: 'x'.repeat(100_000) });
    expect(JSON.parse(large.stderr).code).toBe('message_too_large');
    const broken = await send(['dev', '-', '--json'], { stdin: Buffer.from([0xff]) });
    expect(JSON.parse(broken.stderr).code).toBe('bad_text');
  });

  it('refuses an argument with bytes that were no UTF-8, and says how to send U+FFFD all the same', async () => {
    const refused = await send(['dev', 'caf\ufffd', '--json']);
    expect([refused.code, bodies()]).toEqual([2, []]);
    expect(JSON.parse(refused.stderr)).toMatchObject({
      code: 'bad_text',
      detail: expect.stringContaining('mesh send CHANNEL - < FILE'),
    });
    const payload = await send(['dev', 'x', '--payload', '"\ufffd"']);
    expect([payload.code, bodies()]).toEqual([2, []]);
    expect(payload.stderr).toContain('write it as \\ufffd in the JSON');
    await send(['dev', '-'], { stdin: 'caf\ufffd' });
    await send(['dev', 'x', '--payload', '"\\ufffd"']);
    expect(bodies()).toEqual(['caf\ufffd', 'x']);
  });

  it('waits for a state', async () => {
    const sent = send(['dev', 'x', '--wait', 'stored', '--timeout', '600', '--json']);
    await api.gate.until(() => api.gate.list.length === 1);
    api.gate.setState(api.gate.list[0]?.id ?? '', 'stored');
    expect((await sent).json).toEqual([{ id: api.gate.list[0]?.id, state: 'stored' }]);
  });

  it('ends with 4 when the state does not come, and still prints the id', async () => {
    const { code, stdout, stderr } = await send(['dev', 'x', '--wait', 'stored', '--timeout', '0.01']);
    expect(code).toBe(4);
    expect(stdout).toBe(`${api.gate.list[0]?.id} queued\n`);
    expect(stderr).toContain('It is kept');
  });

  it('ends with 1 for what the daemon refuses', async () => {
    const { code, stdout, stderr } = await send(['dm:x', 'x']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^mesh: This is not a channel/);
  });
});

describe('mesh send --lines', () => {
  it('sends a message per line over one connection and keeps the order', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}`);
    const { code, json, stderr } = await send(['dev', '--lines', '--json'], { stdin: lines.join('\n') });
    expect([code, stderr]).toEqual([0, '']);
    expect(bodies()).toEqual(lines);
    expect(json).toEqual(api.gate.list.map(({ id }) => ({ id, state: 'queued' })));
  });

  it('waits for each line, many at once', async () => {
    const stdin = Array.from({ length: 2000 }, (_, i) => String(i)).join('\n');
    const sent = send(['dev', '--lines', '--wait', 'stored', '--timeout', '600'], { stdin });
    for (let seen = 0; seen < 2000; ) {
      await api.gate.until(() => api.gate.list.length > seen);
      for (; seen < api.gate.list.length; seen++) api.gate.setState(api.gate.list[seen]?.id ?? '', 'stored');
    }
    const { code, stdout } = await sent;
    expect(code).toBe(0);
    expect(stdout.match(/ stored\n/g)).toHaveLength(2000);
  });

  it('keeps few lines under way however many come', async () => {
    api.gate.isHolding = true;
    let pulled = 0;
    async function* endless() {
      for (; pulled < 100_000; pulled++) yield Buffer.from(`${pulled}\n`);
    }
    const { Readable } = await import('node:stream');
    const sent = send(['dev', '--lines'], { stdin: Readable.from(endless()) });
    await api.gate.until(() => api.gate.held.length === 512);
    for (let i = 0; i < 20; i++) await api.ask('/v1/status');
    expect(pulled).toBeLessThan(1100);
    await api.api.close();
    api.gate.release(100_000);
    const { code, stderr } = await sent;
    expect(code).toBe(3);
    expect(stderr).toContain('0 lines were sent; line 1 and what follows have no answer');
    expect(stderr).toMatch(/Lines 1 to \d+ may have been stored all the same.*--idempotency-key/);
    expect(pulled).toBeLessThan(1100);
  });

  it('says where to go on after an orderly stop of the daemon', async () => {
    api.gate.isHolding = true;
    const sent = send(['dev', '--lines'], {
      stdin: Array.from({ length: 900 }, (_, i) => `${i}`).join('\n'),
    });
    await api.gate.until(() => api.gate.held.length === 512);
    const drained = api.api.drain();
    api.gate.isHolding = false;
    api.gate.release(512);
    await drained;
    await api.api.close();
    const { code, stdout, stderr } = await sent;
    expect(code).toBe(3);
    expect(stdout.match(/ queued\n/g)).toHaveLength(512);
    expect(api.gate.list).toHaveLength(512);
    expect(stderr).toContain('512 lines were sent; line 513 and what follows were not.');
    expect(stderr).toContain('send the lines from 513 on');
  });

  it('says that a run with a key can be repeated', async () => {
    api.gate.isHolding = true;
    const sent = send(['dev', '--lines', '--idempotency-key', 'job'], { stdin: 'a\nb\n' });
    await api.gate.until(() => api.gate.held.length === 2);
    await api.api.close();
    const { code, stderr } = await sent;
    expect(code).toBe(3);
    expect(stderr).toContain('run the same command again');
  });

  it('reports each line that is refused by its number and sends the others', async () => {
    const stdin = Buffer.concat([
      Buffer.from(`one\n${'x'.repeat(70_000)}\n`),
      Buffer.from([0xff, 0x0a]),
      Buffer.from('\r\n\u{1f600}\r\n'),
    ]);
    const { code, json, stderr } = await send(['dev', '--lines', '--json'], { stdin });
    expect(code).toBe(1);
    expect(json).toHaveLength(3);
    expect(bodies()).toEqual(['one', '', '\u{1f600}']);
    const problems = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(problems.map(({ line, code: of }) => `${line} ${of}`)).toEqual([
      '2 message_too_large',
      '3 bad_text',
    ]);
  });

  it('folds lines in a row that are refused alike, and none with --json', async () => {
    const stdin = `${'x'.repeat(65_500)}\n`.repeat(5);
    const { code, stderr } = await send(['dev', '--lines'], { stdin: `${stdin}ok\n${stdin}` });
    expect(code).toBe(1);
    const told = stderr.split('\n').filter((line) => line.startsWith('mesh: '));
    expect(told).toEqual([
      expect.stringMatching(/^mesh: line 1: /),
      'mesh: lines 2 to 5: the same as line 1, 4 lines more.',
      expect.stringMatching(/^mesh: line 7: /),
      'mesh: lines 8 to 11: the same as line 7, 4 lines more.',
    ]);
    const json = await send(['dev', '--lines', '--json'], { stdin });
    expect(json.stderr.trim().split('\n')).toHaveLength(5);
  });

  it('numbers the keys, so that a second run sends nothing twice', async () => {
    const argv = ['dev', '--lines', '--idempotency-key', 'job'];
    const first = await send(argv, { stdin: 'a\nb\n' });
    const second = await send(argv, { stdin: 'a\nb\nc\n' });
    expect(api.gate.list.map(({ body }) => body)).toEqual(['a', 'b', 'c']);
    expect(second.stdout.startsWith(first.stdout)).toBe(true);
  });

  it('ends with 4 when only waits timed out', async () => {
    const argv = ['dev', '--lines', '--wait', 'stored', '--timeout', '0.01'];
    const { code, stdout, stderr } = await send(argv, { stdin: 'a\nb\n' });
    expect(code).toBe(4);
    expect(stdout.match(/ queued\n/g)).toHaveLength(2);
    expect(stderr).toContain('line 2:');
  });

  it('sends nothing for no input', async () => {
    const { code, stdout } = await send(['dev', '--lines'], { stdin: '' });
    expect([code, stdout, bodies()]).toEqual([0, '', []]);
  });
});
