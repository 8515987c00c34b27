import type { ServerAddress } from '../api/programs';

/** Code that works when pasted, for a file called `page.jpg`. */
export function curlSnippet(at: ServerAddress, query: string): string {
  return [
    `curl -s --data-binary @page.jpg "${readUrl(at, query)}"`,
    ``,
    `# only the text; also: json, csv, hocr, pdf, annotated`,
    `curl -s --data-binary @page.jpg "${readUrl(at, joined(query, 'format=text'))}"`,
  ].join('\n');
}

export function pythonReadSnippet(at: ServerAddress, query: string): string {
  return [
    `import requests  # pip install requests`,
    `with open("page.jpg", "rb") as page:`,
    `    answer = requests.post("${readUrl(at, query)}", data=page)`,
    `for region in answer.json()["regions"]:`,
    `    print(region["confidence"], region["text"], region["polygon"])`,
  ].join('\n');
}

export function javascriptReadSnippet(at: ServerAddress, query: string): string {
  return [
    `import { readFile } from "node:fs/promises"; // Node 20`,
    `const body = await readFile("page.jpg");`,
    `const answer = await fetch("${readUrl(at, query)}", { method: "POST", body });`,
    `const { regions } = await answer.json();`,
    `for (const { text, confidence, polygon } of regions) console.log(confidence, text, polygon);`,
  ].join('\n');
}

function readUrl(at: ServerAddress, query: string): string {
  return at(`/api/v1/read${query === '' ? '' : `?${query}`}`);
}

function joined(query: string, part: string): string {
  return query === '' ? part : `${query}&${part}`;
}
