/**
 * A machine of its own for the commands of services: folders in a temporary one, and a `systemctl` that notes each call
 * and runs the unit's program itself. What it does not have of systemd is tried with a real one in `.ci/service.sh`.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { CommandContext } from '../../command.ts';
import type { Machine } from '../plan.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..', '..');

/** `show` tells of the process that `restart` has begun; `disable` ends it in order and waits for that. */
const SYSTEMCTL = `#!/bin/sh
echo "$*" >> "$RECORD/calls"
[ "$1" = --user ] && shift
end() {
  [ -f "$RECORD/pid" ] || return 0
  kill "$(cat "$RECORD/pid")" 2>/dev/null
  while [ ! -f "$RECORD/ended" ]; do sleep 0.05; done
  rm -f "$RECORD/pid" "$RECORD/ended"
}
case "$1" in
  show)
    [ "$2" = --property=Version ] && exit 0
    pid=$(cat "$RECORD/pid" 2>/dev/null || echo 0)
    state=active
    [ "$pid" = 0 ] && state=inactive
    [ -f "$RECORD/ended" ] && state=failed pid=0
    echo "ActiveState=$state"; echo "MainPID=$pid"; echo "NRestarts=0"
    echo "UnitFileState=$(cat "$RECORD/enabled" 2>/dev/null)" ;;
  enable) echo enabled > "$RECORD/enabled" ;;
  restart)
    end
    command=$(sed -n 's/^ExecStart=//p' "$UNIT")
    ( env -i PATH="$PATH" MESH_BOOTSTRAP_URL= HOST=127.0.0.1 PORT=0 MESH_API_PORT=0 sh -c 'echo $$ > "$0"; eval "exec $1"' "$RECORD/pid" "$command"
      : > "$RECORD/ended" ) > /dev/null 2>&1 &
    while [ ! -s "$RECORD/pid" ]; do sleep 0.05; done ;;
  disable) end; rm -f "$RECORD/enabled" ;;
esac
`;

class Memory extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface TestMachine {
  readonly machine: Machine;
  /** of a command with these options; its output is collected */
  readonly context: (options?: {
    data?: string;
    json?: boolean;
    env?: Record<string, string>;
  }) => CommandContext;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** calls of service managers so far; they are forgotten then */
  readonly takeCalls: () => string[];
  readonly home: string;
  readonly dataFolder: string;
  /** of the user's service */
  readonly unit: string;
  /** puts a program in the place of `systemctl` or `launchctl` */
  readonly program: (name: string, script: string) => void;
}

export function createMachine(more: Partial<Machine> = {}): TestMachine {
  const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-service-')));
  const [record, bin] = [path.join(home, 'record'), path.join(home, 'bin')];
  const unit = path.join(home, '.config', 'systemd', 'user', 'mesh.service');
  fs.mkdirSync(record);
  fs.mkdirSync(bin);
  onTestFinished(() => {
    const pid = path.join(record, 'pid');
    if (fs.existsSync(pid) && !fs.existsSync(path.join(record, 'ended')))
      process.kill(Number(fs.readFileSync(pid, 'utf8')), 'SIGKILL');
    fs.rmSync(home, { recursive: true });
  });
  const program = (name: string, script: string): void =>
    fs.writeFileSync(path.join(bin, name), script, { mode: 0o755 });
  program('systemctl', SYSTEMCTL);
  const [out, err] = [new Memory(), new Memory()];
  const calls = path.join(record, 'calls');
  const base = { HOME: home, PATH: `${bin}:/usr/bin:/bin`, RECORD: record, UNIT: unit };
  const dataFolder = path.join(home, 'data');
  const machine: Machine = {
    ...{ platform: 'linux', uid: 4242, home, systemFolder: path.join(home, 'system') },
    ...{ usersFile: path.join(home, 'passwd'), lingerFolder: path.join(home, 'linger') },
    ...{ node: process.execPath, mesh: path.join(ROOT, 'bin', 'mesh.mjs') },
    ...more,
  };
  return {
    ...{ machine, home, dataFolder, unit, program },
    context: ({ data, json = false, env = {} } = {}) => ({
      io: {
        stdin: () => process.stdin,
        ...{ stdout: out, stderr: err, env: { ...base, ...env }, cwd: home },
        onSignal: () => () => undefined,
        exit: () => undefined,
      },
      global: { data, json },
      dataFolder: data ?? dataFolder,
    }),
    stdout: () => out.text,
    stderr: () => err.text,
    takeCalls: () => {
      const text = fs.existsSync(calls) ? fs.readFileSync(calls, 'utf8') : '';
      fs.rmSync(calls, { force: true });
      return text.split('\n').filter((line) => line !== '');
    },
  };
}
