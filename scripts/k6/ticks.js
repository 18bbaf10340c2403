// ticks.js: a k6 script. It opens CONNS WebSockets to URL and measures how old each tick is when JavaScript gets it, from the tick's `ts`.
//
//   URL=ws://127.0.0.1:8080/ws   who is measured
//   CONNS=100                    connections, shared by VUS virtual users
//   VUS=10                       virtual users; each is one JavaScript event loop
//   SKIP=3                       ticks that a connection does not count at first: the one it is greeted with may be old
//   TICKS=20                     ticks that each connection counts before it closes
//   PATIENCE=60                  seconds after which the connections are closed whatever they got
//   SUMMARY=FILE                 where the summary goes: lines of a name and a number, times in milliseconds
//
// What its numbers can show: Date.now() is the time cut to whole milliseconds, so a latency is up to 1 ms too small, half a millisecond on average;
// and a tick waits until the event loop has handled those before it, which with many connections is most of what k6 finds.
import { WebSocket } from 'k6/websockets';
import { Counter, Trend } from 'k6/metrics';

const url = __ENV.URL;
const conns = number('CONNS', 100);
const vus = Math.min(number('VUS', 10), conns);
const skip = number('SKIP', 3);
const ticks = number('TICKS', 20);
const patience = number('PATIENCE', 60);

const latency = new Trend('tick_latency');
const complete = new Counter('connections_complete');
const faults = new Counter('faults');

export const options = {
	scenarios: {
		ticks: { executor: 'per-vu-iterations', vus, iterations: 1, maxDuration: `${patience + 10}s`, gracefulStop: '5s' },
	},
	summaryTrendStats: ['count', 'min', 'med', 'p(90)', 'p(99)', 'max'],
	systemTags: [], // nobody reads them, and they cost time with each message
};

export default function () {
	const share = Math.floor(conns / vus) + (__VU <= conns % vus ? 1 : 0);
	for (let i = 0; i < share; i++) {
		follow(new WebSocket(url));
	}
}

// follow counts a connection's ticks.
function follow(socket) {
	let seen = 0;
	let leaving = false;
	const leave = () => {
		leaving = true;
		socket.close();
	};
	const deadline = setTimeout(leave, patience * 1000);
	socket.onmessage = ({ data }) => {
		const now = Date.now();
		seen++;
		if (leaving || seen <= skip) {
			return;
		}
		latency.add(now - milliseconds(data));
		if (seen === skip + ticks) {
			complete.add(1);
			leave();
		}
	};
	socket.onerror = ({ error }) => {
		faults.add(1);
		console.error(`${url}: ${error}`);
	};
	socket.onclose = () => {
		clearTimeout(deadline);
		if (!leaving) {
			faults.add(1);
		}
	};
}

// milliseconds returns a tick's `ts` as Unix time in milliseconds with its fraction. The 19 digits of nanoseconds are more than a JavaScript number holds,
// and JSON.parse would round them to a quarter of a microsecond; so they are cut as text.
function milliseconds(tick) {
	const found = /"ts":\s*(\d{7,})/.exec(tick);
	if (found === null) {
		throw new Error(`a tick without ts: ${tick}`);
	}
	const digits = found[1];
	return Number(digits.slice(0, -6)) + Number(digits.slice(-6)) / 1e6;
}

function number(name, otherwise) {
	const value = Number(__ENV[name] || otherwise);
	if (!Number.isInteger(value) || value < 0) {
		throw new Error(`${name}=${__ENV[name]}: want a whole number`);
	}
	return value;
}

export function handleSummary(data) {
	const values = (name) => (data.metrics[name] ? data.metrics[name].values : {});
	const found = values('tick_latency');
	const lines = [
		['messages', found.count || 0],
		['complete', values('connections_complete').count || 0],
		['faults', values('faults').count || 0],
		['min', found.min],
		['p50', found.med],
		['p90', found['p(90)']],
		['p99', found['p(99)']],
		['max', found.max],
	];
	const text = lines.map(([name, value]) => `${name} ${value}\n`).join('');
	return { [__ENV.SUMMARY || 'stdout']: text };
}
