package feed

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

func TestReplay(t *testing.T) {
	for _, test := range []struct {
		name, file, csv string
		want            string // symbol, price and sequence of the first ticks
	}{
		{"close before price", "x.csv", "date,price,Close\n2000-01-03,9,1.5\n2000-01-04,9,2\n", "X 1.5 1, X 2 2, X 1.5 3"},
		{"price", "x.csv", "price\n1\n2\n3\n", "X 1 1, X 2 2, X 3 3"},
		{"symbols", "x.csv", "symbol,date,price\nMSFT,Jan 1 2000,39.81\nA,x,1\n", "MSFT 39.81 1, A 1 1, MSFT 39.81 2, A 1 2"},
		{"no header", "my.prices", "101.25\n-3e2\n", "MY 101.25 1, MY -300 2, MY 101.25 3"},
		{"byte order mark, CRLF, quotes, spaces", "x.csv", "\ufeff\"Date\", \"CLOSE\"\r\n\"a, b\", \"1.50\"\r\n", "X 1.5 1, X 1.5 2"},
		{"no line end", "x.csv", "close\n7", "X 7 1, X 7 2"},
		{"blank lines", "x.csv", "close\n\n7\n\n8\n", "X 7 1, X 8 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, test.file, test.csv)
			want := strings.Split(test.want, ", ")
			synctest.Test(t, func(t *testing.T) {
				var got []string
				for _, m := range collect(t, Config{Kind: Replay, File: path}, len(want)) {
					tick := parse(t, []byte(m.payload))
					got = append(got, fmt.Sprintf("%s %v %d", tick.Sym, tick.Price, tick.Seq))
				}
				if strings.Join(got, ", ") != test.want {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		})
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCSVErrors(t *testing.T) {
	for _, test := range []struct{ name, csv, want string }{
		{"empty", "", "it is empty"},
		{"header only", "date,close\n", "it has no prices"},
		{"no column", "date,open\n1,2\n", `line 1: no column "close" or "price" among ["date" "open"]`},
		{"text", "date,close\n2000-01-03,1\n2000-01-04,twelve\n", `line 3: column close: "twelve" is not a number`},
		{"empty value", "date,close\n2000-01-03,\n", `line 2: column close: "" is not a number`},
		{"NaN", "price\n1\nNaN\n", `line 3: column price: "NaN" is not a number`},
		{"infinite", "price\n1e999\n", `line 2: column price: "1e999" is not a number`},
		{"no symbol", "symbol,price\nA,1\n,2\n", `line 3: column symbol: it is empty`},
		{"short line", "date,close\n2000-01-03\n", "record on line 2: wrong number of fields"},
		{"open quote", "date,close\n2000-01-03,\"12\n", `parse error on line 2, column 16: extraneous or missing " in quoted-field`},
		{"binary", "\x7fELF\x00\x01\x02\x03", `line 1: no column "close" or "price" among ["\x7felf\x00\x01\x02\x03"]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, "prices.csv", test.csv)
			_, err := New(Config{Kind: Replay, File: path})
			if want := "replay " + path + ": " + test.want; err == nil || err.Error() != want {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := New(Config{Kind: Replay, File: dir}); err == nil || !strings.Contains(err.Error(), dir+": is a directory") {
			t.Errorf("got %v, want an error that says so", err)
		}
	})
	t.Run("too many rows", func(t *testing.T) {
		if _, err := parseCSV(strings.NewReader(strings.Repeat("1\n", maxRows+1)), "X", Config{}); err == nil {
			t.Error("got no error")
		}
	})
}

// The file that ships with the repository is the demo's default.
func TestShippedFile(t *testing.T) {
	r, err := readCSV(Config{File: "../../data/sp500-2000.csv"})
	if err != nil {
		t.Fatal(err)
	}
	first, last := r.rows[0].price, r.rows[len(r.rows)-1].price
	if len(r.rows) != 5105 || first != 1455.219971 || last != 2874.560059 {
		t.Errorf("got %d rows from %v to %v, want 5105 from 1455.219971 to 2874.560059", len(r.rows), first, last)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("date,close\n2000-01-03,1.5\n")
	f.Add("symbol,price\nA,1\n\"B\",2\n")
	f.Add("1\n2\n")
	f.Add("\ufeffprice\r\n1\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseCSV(strings.NewReader(text), "X", Config{})
		if err != nil {
			return
		}
		if len(r.rows) == 0 {
			t.Fatal("got no rows and no error")
		}
		for _, q := range r.next(nil, 0) {
			parse(t, pad(q.symbol.appendTick(nil, q.price, now()), 100))
		}
	})
}
