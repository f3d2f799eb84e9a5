import { defineCommand } from '../command.ts';
import { listenForStop } from '../stop-signal.ts';

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
    const signal = listenForStop(io);
    try {
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
      void signal.asked.then(() => daemon.stop());
      return await daemon.ended;
    } finally {
      signal.forget();
    }
  },
});
