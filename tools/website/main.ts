/** `npm run docs`: builds the documents into `website/docs/` and checks every link of the website. */
import path from 'node:path';
import { buildDocs } from './build-docs.ts';
import { brokenLinks } from './check-links.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const website = path.join(root, 'website');

const { pages, files, sections } = buildDocs(root, path.join(website, 'docs'));
const broken = brokenLinks(website);
for (const line of broken) console.error(line);
console.log(
  `website/docs: ${pages} pages, ${files} files, ${sections} sections to search, ${broken.length} broken links`,
);
console.log('Open website/index.html in a browser; no server is needed.');
process.exitCode = broken.length === 0 ? 0 : 1;
