package epoll

const exhaustEnv = "TICKGATE_TEST_EXHAUST"

func exhaustedServer() int { return 0 }
