/**
 * From a command to its daemon.
 */
import type { Client } from '../api/client/index.ts';
import type { CommandContext } from './command.ts';

/** Runs `work` with the client of the daemon of the data folder, and lets its connections go afterwards. */
export async function withClient<T>(
  { dataFolder }: CommandContext,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { connectDaemon } = await import('../api/client/client.ts');
  const client = await connectDaemon(dataFolder);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
