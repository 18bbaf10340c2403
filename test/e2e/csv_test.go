package e2e

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"
)

// readCloses returns the closing prices of the file that ships with the repository, in file order.
func readCloses(t testing.TB) []float64 {
	t.Helper()
	file, err := os.Open("../../data/sp500-2000.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var column int
	for i, name := range rows[0] {
		if name == "close" {
			column = i
		}
	}
	closes := make([]float64, 0, len(rows)-1)
	for _, row := range rows[1:] {
		price, err := strconv.ParseFloat(row[column], 64)
		if err != nil {
			t.Fatal(err)
		}
		closes = append(closes, price)
	}
	return closes
}
