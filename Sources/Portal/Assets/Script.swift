extension Assets {
    /// All that pages do beyond links and forms. Every page works without it, but for fragments and the renewal of the panel.
    static let script = #"""
    (function () {
      "use strict";
      // The part after # never reaches a server: it is handed on in the address of the login's start, and put back at its end.
      var hash = location.hash.length > 1 && location.hash.length <= 1500 && location.hash !== "#wechat_redirect" ? location.hash.slice(1) : "";
      function withFragment(url) {
        return hash ? url + "&fragment=" + encodeURIComponent(hash) : url;
      }

      var hop = document.querySelector("a[data-hop]");
      if (hop) { location.replace(withFragment(hop.getAttribute("href"))); return; }

      var send = document.querySelector("form[data-send]");
      if (send) {
        if (hash) { send.action += "#" + hash; }
        send.querySelector("button").hidden = true;
        send.submit();
        return;
      }

      document.querySelectorAll("a[data-start]").forEach(function (link) {
        link.setAttribute("href", withFragment(link.getAttribute("href")));
      });

      // The panel shows a login that is good for fifteen minutes: a new one is loaded after ten, and at once when a page that slept wakes up.
      var panel = document.querySelector("iframe[data-panel]");
      if (panel) {
        var life = 10 * 60 * 1000, loaded = 0, source = panel.getAttribute("data-panel");
        var small = window.innerWidth < 560;
        if (small) { panel.parentNode.classList.add("small"); }
        var load = function () {
          loaded = Date.now();
          panel.setAttribute("src", withFragment(source) + (small ? "&size=small" : ""));
        };
        load();
        var renew = function () {
          if (document.visibilityState === "visible" && Date.now() - loaded >= life) { load(); }
        };
        setInterval(renew, 15 * 1000);
        document.addEventListener("visibilitychange", renew);
        window.addEventListener("pageshow", function (event) { if (event.persisted) { load(); } });
      }

      // A QR code of ours: whatever the phone says, the gateway knows what comes next. Should the stream be held up on its way, asking now and then will do.
      var scan = document.querySelector("[data-scan]");
      if (scan) {
        var address = scan.getAttribute("data-scan"), over = false, events;
        var go = function () {
          if (over) { return; }
          over = true;
          if (events) { events.close(); }
          location.replace(address + (hash ? "?fragment=" + encodeURIComponent(hash) : ""));
        };
        if (window.EventSource) {
          events = new EventSource(address + "/wait");
          ["approved", "refused", "expired"].forEach(function (name) { events.addEventListener(name, go); });
        }
        var ask = function () {
          if (over) { return; }
          fetch(address + "/wait", { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store" }).then(function (answer) {
            return answer.ok ? answer.json() : { state: answer.status === 404 ? "expired" : "waiting" };
          }).then(function (answer) {
            if (answer.state !== "waiting") { go(); }
          }, function () { /* the gateway cannot be reached: the next time, perhaps */ });
        };
        var turns = 0;
        setInterval(function () {
          turns += 1;
          if (!events || events.readyState !== 1 || turns % 5 === 0) { ask(); }
        }, 2000);
        document.addEventListener("visibilitychange", function () { if (document.visibilityState === "visible") { ask(); } });
        window.addEventListener("pageshow", function (event) { if (event.persisted) { location.reload(); } });
      }

      document.querySelectorAll("button[data-copy]").forEach(function (button) {
        var target = document.getElementById(button.getAttribute("data-copy"));
        if (!target) { return; }
        button.hidden = false;
        button.addEventListener("click", function () {
          var done = function () {
            var was = button.textContent;
            button.textContent = button.getAttribute("data-done");
            setTimeout(function () { button.textContent = was; }, 2000);
          };
          var byHand = function () {
            var range = document.createRange();
            range.selectNodeContents(target);
            var selection = getSelection();
            selection.removeAllRanges();
            selection.addRange(range);
            try { if (document.execCommand("copy")) { done(); } } catch (error) { /* it stays selected for copying by hand */ }
          };
          var text = target.textContent + (hash ? "#" + hash : "");
          if (navigator.clipboard) { navigator.clipboard.writeText(text).then(done, byHand); } else { byHand(); }
        });
      });

      // Five minutes, since a page that was on its way for so long is shown rarely.
      document.querySelectorAll("[data-clock]").forEach(function (note) {
        note.hidden = Math.abs(Date.now() - Number(note.getAttribute("data-clock"))) < 5 * 60 * 1000;
      });

      document.querySelectorAll("[data-no-cookies]").forEach(function (note) { note.hidden = navigator.cookieEnabled; });

      document.querySelectorAll("time[datetime]").forEach(function (element) {
        var time = new Date(element.getAttribute("datetime"));
        if (!isNaN(time)) {
          element.textContent = time.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
        }
      });

      document.querySelectorAll("[data-reload]").forEach(function (button) {
        button.hidden = false;
        button.addEventListener("click", function () { location.reload(); });
      });
    })();
    """#
}
