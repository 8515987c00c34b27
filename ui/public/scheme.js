// Sets the colour scheme before the first paint. A file of its own, because the content security
// policy allows no inline script.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem('sightwire.scheme');
  } catch {
    // Storage may be forbidden; then the system decides.
  }
  var dark =
    chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
