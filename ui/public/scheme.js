// Sets the colour scheme before the first paint, and when the system changes it. A file of its own, because the content
// security policy allows no inline script.
(function () {
  var system = matchMedia('(prefers-color-scheme: dark)');
  function apply() {
    var chosen = null;
    try {
      chosen = localStorage.getItem('sightwire.scheme');
    } catch {
      // Storage may be forbidden; then the system decides.
    }
    var dark = chosen === 'dark' || (chosen !== 'light' && system.matches);
    document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
  }
  system.addEventListener('change', apply);
  apply();
})();
