import { defineCommand } from '../command.ts';
import { EXIT } from '../exit.ts';

/** `mesh start`: the daemon itself, in the foreground. */
export const startCommand = defineCommand({
  usage: 'start',
  summary: 'Start the daemon and join the mesh; it runs until you stop it',
  examples: [
    ['$0 start', 'with the data folder of this checkout or user'],
    ['$0 start --data ./second', 'another daemon beside it'],
  ],
  build: (parser) => parser,
  run: async (_args, { io, global, dataFolder }) => {
    const [{ startDaemon }, { createApiDoor }] = await Promise.all([
      import('../../daemon/index.ts'),
      import('../../api/index.ts'),
    ]);
    const mesh = import.meta.filename.endsWith('.ts') ? 'npx mesh' : 'mesh';
    const daemon = await startDaemon({
      dataFolder,
      env: io.env,
      cwd: io.cwd,
      stdout: io.stdout,
      stderr: io.stderr,
      isTty: io.stdout.isTTY === true && !global.json,
      createDoor: createApiDoor,
      command: global.data === undefined ? mesh : `${mesh} --data ${global.data}`,
    });
    let stopping = false;
    const forget = io.onSignal(() => {
      if (stopping) io.exit(EXIT.failure); // asked twice: at once
      stopping = true;
      void daemon.stop();
    });
    const code = await daemon.ended;
    forget();
    return code;
  },
});
