// Keeps a page alive through a dropped connection. Its streams of messages go on from the byte where they broke off
// (see resumable_streams.py), and what is pressed meanwhile is sent once the server answers again. Gradio alone would
// end every event that is under way, and reload the page.
//
// The server closes a stream when no event of the page is left. An event that is sent just then may be answered before
// that message has arrived: Gradio takes the stream for open, opens no other, and what was pressed has no effect. So
// Gradio sees one stream that stays open; behind it streams are opened and closed as there are events.
(() => {
  const POLL_MS = 1000, SILENCE_MS = 40000;  // between two tries; Gradio sends something every 15 s
  const fetchNow = window.fetch.bind(window);
  const STREAM = /\/queue\/data$/, RETRIED = /\/(queue\/join|cancel)$/;
  const CLOSING = /data: [^\n]*"msg":"close_stream"[^\n]*\n\n/;
  const pending = new Set();  // ids of the events that have not been completed
  const early = new Set();  // ids of those that were completed before the answer that names them
  const waiting = new Set();  // called when an event is pending
  const attempts = new Set();  // an AbortController for each open connection of a stream
  let closeUrl = null, reconnecting = null, joining = 0;  // requests under way that may start an event

  const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

  const show = isLost => {
    let note = document.getElementById('connection-lost');
    if (isLost && !note) {
      note = document.createElement('div');
      note.id = 'connection-lost';
      note.setAttribute('role', 'status');
      note.textContent = 'No connection to the server. What is running goes on, and appears when the connection is back.';
      document.body.append(note);
    } else if (!isLost) note?.remove();
  };

  // Waits until the server answers; whether it is the one that this page is from.
  const reconnect = root => reconnecting ??= (async () => {
    const noted = setTimeout(show, POLL_MS, true);  // a short break is none
    try {
      for (;;) {
        if (navigator.onLine) {
          try {
            const response = await fetchNow(`${root}/app_id`, {cache: 'no-store', signal: AbortSignal.timeout(5000)});
            if (response.ok) return (await response.json()).app_id === window.gradio_config.app_id;
          } catch {}  // not yet
        }
        await sleep(POLL_MS);
      }
    } finally {
      clearTimeout(noted);
      show(false);
      reconnecting = null;
    }
  })();

  const rootOf = url => url.origin + url.pathname.replace(/\/(queue\/\w+|cancel)$/, '');

  const randomName = () => Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);

  const fetchAgain = async (input, init, url) => {
    const headers = new Headers(init?.headers ?? input.headers);
    headers.set('X-Request-Id', randomName());  // it may have arrived, and its answer not: see repeated_requests.py
    for (;;) {
      try {
        const response = await fetchNow(input.clone?.() ?? input, {...init, headers});
        const {event_id} = response.ok ? await response.clone().json() : {};
        if (event_id && !early.delete(event_id)) {
          pending.add(event_id);
          waiting.forEach(wake => wake());
          waiting.clear();
        }
        return response;
      } catch (error) {
        if (!await reconnect(rootOf(url))) throw error;
      }
    }
  };

  const join = async (input, init, url) => {
    joining++;
    try {
      return await fetchAgain(input, init, url);
    } finally {
      if (!--joining) early.clear();
    }
  };

  const noteCompleted = messages => {
    for (const message of messages.split('\n\n')) {
      const id = message.includes('"msg":"process_completed"') && message.match(/"event_id":"(\w+)"/)?.[1];
      if (id && !pending.delete(id) && joining) early.add(id);
    }
  };

  // What ends the events whose stream the server has given up.
  const lastMessages = () => {
    const messages = [...pending].map((event_id, index) => ({
      msg: 'process_completed',
      event_id,
      success: false,
      title: 'Connection lost',
      output: {
        error: 'The connection was lost for too long, and this has ended. Please start it again.',
        duration: 10,
        visible: index === pending.size - 1,
      },
    }));
    pending.clear();
    return messages.map(each => `data: ${JSON.stringify(each)}\n\n`).join('');
  };

  // One body, whose bytes come from one stream of the server after the other.
  const openStream = async (input, init) => {
    const request = new Request(input, init), url = new URL(request.url), {signal, headers, credentials} = request;
    const encoder = new TextEncoder();
    let received, text, decoder;  // of this stream: bytes so far, and the part of a message that has arrived
    let attempt, response, wake = () => {};
    closeUrl = `${rootOf(url)}/queue/page-closed?session_hash=${url.searchParams.get('session_hash')}`;

    const stop = () => {
      attempt?.abort();
      wake();
    };
    signal.addEventListener('abort', stop);

    const connect = async () => {
      for (;;) {
        attempts.delete(attempt);
        attempt = new AbortController();
        attempts.add(attempt);
        if (received !== null) url.searchParams.set('received', received);
        try {
          return await fetchNow(url, {headers, credentials, signal: attempt.signal});
        } catch (error) {
          if (signal.aborted || !await reconnect(rootOf(url))) throw error;
        }
      }
    };

    const start = async () => {
      received = null;
      url.searchParams.delete('received');
      url.searchParams.set('stream', randomName());
      response = await connect();
      [received, text, decoder] = [0, '', new TextDecoder()];
    };

    const read = async reader => {
      const silence = setTimeout(() => attempt.abort(), SILENCE_MS);
      try {
        return await reader.read();
      } finally {
        clearTimeout(silence);
      }
    };

    // Passes on what arrives of a stream, until the server has closed it.
    const forward = async controller => {
      let isClosed = false;
      for (let reader = response.body.getReader();;) {
        try {
          const {value, done} = await read(reader);
          if (done && isClosed) return;
          if (done) throw new Error('Something between server and page has ended the stream.');
          received += value.length;
          text += decoder.decode(value, {stream: true});
          const end = text.lastIndexOf('\n\n') + 2;
          if (end > 1) {
            const messages = text.slice(0, end), passed = messages.replace(CLOSING, '');
            isClosed ||= passed !== messages;
            noteCompleted(passed);
            if (passed) controller.enqueue(encoder.encode(passed));
            text = text.slice(end);
          }
        } catch (error) {
          if (signal.aborted || !await reconnect(rootOf(url))) throw error;
          response = await connect();
          if (!response.ok) {
            controller.enqueue(encoder.encode(lastMessages()));
            setTimeout(() => document.querySelector('#rejoin-training')?.click(), POLL_MS);
            return;
          }
          reader = response.body.getReader();
        }
      }
    };

    const untilPending = () => new Promise(resolve => {
      wake = resolve;
      if (pending.size || signal.aborted) resolve();
      else waiting.add(resolve);
    });

    const forwardAll = async controller => {
      for (;;) {
        await forward(controller);
        attempts.delete(attempt);
        await untilPending();
        if (signal.aborted) return controller.close();
        await start();
        if (!response.ok) throw new Error(`The stream of messages was answered with ${response.status}.`);
      }
    };

    await start();
    if (!response.ok) return response;
    const body = new ReadableStream({
      start: controller => {
        forwardAll(controller).catch(error => controller.error(error)).finally(() => attempts.delete(attempt));
      },
      cancel: stop,
    });
    return new Response(body, {status: response.status, headers: response.headers});
  };

  window.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    if (STREAM.test(url.pathname)) return openStream(input, init);
    if (RETRIED.test(url.pathname)) return join(input, init, url);
    return fetchNow(input, init);
  };

  // A connection of before may be dead without a sign.
  window.addEventListener('online', () => attempts.forEach(attempt => attempt.abort()));
  // A page that the browser keeps for Back and Forward may come again; what the server holds for it expires by time.
  window.addEventListener('pagehide', event => {
    if (closeUrl && !event.persisted) navigator.sendBeacon(closeUrl);
  });
})();
