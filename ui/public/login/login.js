// Logs in, and goes on to where somebody wanted to go. Without the other pages' library: this is all that the server
// shows to those whom it does not know.
(function () {
  var byId = function (id) {
    return document.getElementById(id);
  };
  var form = byId('login');
  var problem = byId('problem');
  var go = byId('go');
  var parameters = new URLSearchParams(location.search);

  // Only to a page of this server: never to what somebody else put into the address.
  function next() {
    var wanted = parameters.get('next') || '/';
    try {
      var url = new URL(wanted, location.origin);
      if (url.origin === location.origin && !url.pathname.startsWith('/login')) {
        return url.href;
      }
    } catch {
      // It is no address.
    }
    return '/';
  }

  function chosen() {
    return form.elements['with'].value;
  }

  function show() {
    var key = chosen() === 'key';
    byId('by-key').hidden = !key;
    byId('by-password').hidden = key;
    problem.hidden = true;
    try {
      localStorage.setItem('sightwire.login', chosen());
    } catch {
      // It is asked for again the next time.
    }
  }

  function say(text) {
    problem.textContent = text;
    problem.hidden = false;
  }

  async function logIn() {
    var body =
      chosen() === 'key'
        ? { key: byId('key').value.trim() }
        : { name: byId('name').value, password: byId('password').value };
    var answer;
    try {
      answer = await fetch('/api/v1/login', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(15000),
      });
    } catch {
      return say('The server is not responding.');
    }
    if (answer.ok) return location.replace(next());
    var said = await answer.json().catch(function () {
      return {};
    });
    say(said.detail || 'That did not work (' + answer.status + ').');
    var field = byId(chosen() === 'key' ? 'key' : 'password');
    field.select();
    field.focus();
  }

  form.addEventListener('change', function (event) {
    if (event.target.name === 'with') show();
  });
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    go.disabled = true;
    logIn().finally(function () {
      go.disabled = false;
    });
  });
  try {
    if (localStorage.getItem('sightwire.login') === 'key') form.elements['with'].value = 'key';
  } catch {
    // The first way will do.
  }
  show();
  byId(chosen() === 'key' ? 'key' : 'name').focus();
})();
