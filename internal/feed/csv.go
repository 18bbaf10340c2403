package feed

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxRows bounds what a file takes in memory: 16 bytes a row.
const maxRows = 1_000_000

// readCSV reads a file of prices. Its first line names the columns, in any case: the price is in "close", else in
// "price"; the symbol is in "symbol", if there is such a column, and the file's name without its ending otherwise.
// A file of one column that has numbers only needs no first line. Other columns do not matter.
func readCSV(cfg Config) (*replay, error) {
	f, err := os.Open(cfg.File)
	if err != nil {
		return nil, errors.Unwrap(err) // the caller names the file
	}
	defer f.Close()
	name := strings.ToUpper(strings.TrimSuffix(filepath.Base(cfg.File), filepath.Ext(cfg.File)))
	return parseCSV(f, name, cfg)
}

// parseCSV does the work of readCSV; name is the symbol of rows that name none.
func parseCSV(in io.Reader, name string, cfg Config) (*replay, error) {
	t := &table{in: csv.NewReader(withoutBOM(in)), symbols: map[string]*symbol{}, name: name, cfg: cfg}
	t.in.ReuseRecord = true
	t.in.TrimLeadingSpace = true
	if err := t.header(); err != nil {
		return nil, err
	}
	for {
		record, err := t.in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := t.add(record); err != nil {
			return nil, err
		}
	}
	if len(t.rows) == 0 {
		return nil, errors.New("it has no prices")
	}
	return &replay{rows: slices.Clip(t.rows)}, nil
}

// withoutBOM skips the byte order mark that spreadsheets put in front.
func withoutBOM(in io.Reader) io.Reader {
	b := bufio.NewReader(in)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = b.Discard(3)
	}
	return b
}

// table is a file that is being read.
type table struct {
	in      *csv.Reader
	name    string
	cfg     Config
	symbols map[string]*symbol
	rows    []row

	price, symbol int    // columns; symbol is -1 if there is none
	title         string // of the price's column, for errors
}

// header reads the first line and finds the columns.
func (t *table) header() error {
	record, err := t.in.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty")
	}
	if err != nil {
		return err
	}
	if len(record) == 1 && isPrice(record[0]) {
		t.symbol, t.title = -1, "price"
		return t.add(record)
	}
	titles := make([]string, len(record))
	for i, title := range record {
		titles[i] = strings.ToLower(strings.TrimSpace(title))
	}
	t.symbol = slices.Index(titles, "symbol")
	for _, t.title = range []string{"close", "price"} {
		if t.price = slices.Index(titles, t.title); t.price >= 0 {
			return nil
		}
	}
	return fmt.Errorf("line 1: no column %q or %q among %.100q", "close", "price", titles)
}

func isPrice(s string) bool {
	_, err := parsePrice(s)
	return err == nil
}

func (t *table) add(record []string) error {
	if len(t.rows) == maxRows {
		return fmt.Errorf("it has more than %d rows", maxRows)
	}
	price, err := parsePrice(record[t.price])
	if err != nil {
		return t.fault(t.price, "%s: %.50q is not a number", t.title, record[t.price])
	}
	name := t.name
	if t.symbol >= 0 {
		name = strings.TrimSpace(record[t.symbol])
	}
	if name == "" {
		return t.fault(t.symbol, "symbol: it is empty")
	}
	s := t.symbols[name]
	if s == nil {
		name = strings.Clone(name) // the record is used again
		s = newSymbol(name, t.cfg.Topic)
		if err := t.check(s); err != nil {
			return err
		}
		t.symbols[name] = s
	}
	t.rows = append(t.rows, row{symbol: s, price: price})
	return nil
}

// check refuses a symbol that cannot be part of a topic.
func (t *table) check(s *symbol) error {
	if t.cfg.CheckTopic == nil {
		return nil
	}
	if err := t.cfg.CheckTopic(s.topic); err != nil {
		return t.fault(t.symbol, "symbol: %w", err)
	}
	return nil
}

// fault returns an error about a column of the current line.
func (t *table) fault(column int, format string, args ...any) error {
	line, _ := t.in.FieldPos(max(column, 0))
	return fmt.Errorf("line %d: column "+format, append([]any{line}, args...)...)
}

// parsePrice parses a number that JSON can carry.
func parsePrice(s string) (float64, error) {
	price, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err == nil && (math.IsNaN(price) || math.IsInf(price, 0)) {
		err = strconv.ErrRange
	}
	return price, err
}
