package config

// nearest returns the known name with the smallest edit distance to name, and that distance.
func nearest(name string, known []string) (best string, distance int) {
	distance = -1
	for _, k := range known {
		if d := editDistance(name, k); distance < 0 || d < distance {
			best, distance = k, d
		}
	}
	return best, distance
}

// editDistance is the Levenshtein distance of two short names, by bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
