import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import { runCli } from '../testing/run-cli.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

describe('mesh peers', () => {
  const peers = async (lastError: string | null): Promise<string> => {
    const address = { url: 'wss://relay.example/', peer: '', source: 'list', state: 'waiting', next: null };
    vi.spyOn(api.gate, 'addresses').mockReturnValue([{ ...address, lastError }]);
    return (await runCli(['peers', '--data', api.folder])).stdout;
  };

  it('says why the last try of an address failed', async () => {
    expect(await peers('unauthorized: dial wss://x/, and no other URL')).toContain(
      'wss://relay.example/  waiting, from list, last try: unauthorized: dial wss://x/, and no other URL\n',
    );
    expect(await peers(null)).toContain('wss://relay.example/  waiting, from list\n');
  });

  it('writes out what could move the cursor or begin a line', async () => {
    expect(await peers('a\nb\u001b[2J')).toContain('last try: a\\x0ab\\x1b[2J\n');
  });
});
