// Where links of Markdown lead, and what they can lead to.

/** The lines of a page without those of its blocks of code. */
function prose(/** @type {string} */ page) {
  let fence = "";
  return page.split("\n").filter((line) => {
    const [, mark] = /^\s*(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence && mark?.startsWith(fence)) fence = "";
    else if (!fence && mark) fence = mark;
    else return !fence;
    return false;
  });
}

/** The anchors that headings of a page have, as GitHub and most others make them. */
export const headingsOf = (/** @type {string} */ page) =>
  prose(page)
    .filter((line) => /^#+ /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, "")
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    );

/** All anchors of a page: of its headings, and those of headings that it had before. */
export const anchorsOf = (/** @type {string} */ page) => [
  ...headingsOf(page),
  ...Array.from(
    prose(page)
      .join("\n")
      .matchAll(/<a id="([^"]+)">/g),
    ([, anchor]) => anchor,
  ),
];

/** The links of a page that lead to files and headings: `{ path, anchor }`, either of which may be empty. */
export function linksOf(/** @type {string} */ page) {
  const text = prose(page)
    .join("\n")
    .replaceAll(/`[^`\n]*`/g, "");
  const links = Array.from(
    text.matchAll(/\]\(([^)\s]+)\)|(?:href|src)="([^"]+)"/g),
    ([, one, other]) => one ?? other,
  );
  return links
    .filter((link) => !/^([a-z]+:|\/)/.test(link))
    .map((link) => {
      const [path, anchor = ""] = link.split("#");
      return { path, anchor };
    });
}
