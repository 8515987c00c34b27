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
    var home = new URL('.', document.baseURI);
    var wanted = parameters.get('next') || '/';
    if (!wanted.startsWith('/')) return home.href;
    try {
      var url = new URL('.' + wanted, home);
      if (url.href.startsWith(home.href) && !url.href.startsWith(home.href + 'login'))
        return url.href;
    } catch {
      // It is no address.
    }
    return home.href;
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

  // Goes on where the server lets in whoever sends this; otherwise what it said, and with which status.
  async function send(body) {
    var answer;
    try {
      answer = await fetch(new URL('api/v1/login', document.baseURI), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(15000),
      });
    } catch {
      return { status: null, said: 'The server is not responding.' };
    }
    if (answer.ok) {
      location.replace(next());
      return null;
    }
    var said = await answer.json().catch(function () {
      return {};
    });
    return {
      status: answer.status,
      said: said.detail || 'That did not work (' + answer.status + ').',
    };
  }

  async function logIn() {
    var failed = await send(
      chosen() === 'key'
        ? { key: byId('key').value.trim() }
        : { name: byId('name').value, password: byId('password').value },
    );
    if (failed === null) return;
    say(failed.said);
    if (failed.status === null) return;
    var field = byId(chosen() === 'key' ? 'key' : 'password');
    field.select();
    field.focus();
  }

  // What a link has in it, which is in the address no longer then: neither a copy of it nor the history gives it away. A
  // `link` logs in once, a `key` for as long as it lasts.
  function takeLink() {
    var found = /^#(link|key)=(.+)$/.exec(location.hash);
    if (found === null) return null;
    history.replaceState(history.state, '', location.pathname + location.search);
    return found[1] === 'link' ? { link: found[2] } : { key: found[2] };
  }

  // Who that is, by a key or by what the browser has; where no server says so, what to tell instead.
  async function who(parameters, key) {
    var answer;
    try {
      answer = await fetch(new URL('api/v1/session?' + parameters, document.baseURI), {
        headers: key === undefined ? {} : { authorization: 'Bearer ' + key },
        signal: AbortSignal.timeout(15000),
      });
      if (answer.ok) return await answer.json();
    } catch {
      return { failed: { status: null, said: 'The server is not responding.' } };
    }
    if (answer.status === 401) return { role: null };
    var said = 'The server does not say what the link is for (' + answer.status + ').';
    return { failed: { status: answer.status, said: said } };
  }

  // A link to watch is for viewers: nobody is to act as somebody else because of an address that they followed. And whoever
  // sees what it shows goes on as who they are.
  async function watch(key) {
    var wanted = await who('', key);
    if (wanted.failed) return wanted.failed;
    if (wanted.role !== null && (wanted.role !== 'viewer' || wanted.streams.length !== 1)) {
      return { status: 403, said: 'This is not a link to watch something.' };
    }
    if (wanted.role === null) {
      return { status: 401, said: 'This link no longer works: it has expired, or it was revoked.' };
    }
    var own = await who(new URLSearchParams({ stream: wanted.streams[0] }));
    if (own.failed) return own.failed;
    if (own.role === null || !own.sees) return send({ key: key });
    location.replace(next());
    return null;
  }

  async function logInByLink(link) {
    form.hidden = true;
    byId('link-problem').hidden = true;
    byId('link-busy').hidden = false;
    var failed = link.key === undefined ? await send(link) : await watch(link.key);
    if (failed === null) return;
    byId('link-busy').hidden = true;
    byId('link-said').textContent = failed.said;
    // Where no server answered, or it had no time, it may not have used the link up.
    var again = failed.status === null || failed.status === 429 || failed.status >= 500;
    byId('link-advice').textContent = again
      ? 'The link may still work.'
      : 'Ask whoever gave you the link for a new one, or log in below.';
    byId('link-again').hidden = !again;
    byId('link-again').onclick = function () {
      logInByLink(link);
    };
    byId('link-problem').hidden = false;
    form.hidden = false;
  }

  // Whoever is not on this page yet must not use a link up: browsers may load one ahead.
  function whenShown(run) {
    if (document.prerendering) document.addEventListener('prerenderingchange', run, { once: true });
    else run();
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

  function begin() {
    var link = takeLink();
    if (link !== null) {
      whenShown(function () {
        logInByLink(link);
      });
    }
    return link !== null;
  }
  // A link that is pasted over the address of this page does not load it anew.
  addEventListener('hashchange', begin);
  if (!begin()) byId(chosen() === 'key' ? 'key' : 'name').focus();
})();
