#include "server/cli.hpp"

int main(int argc, char** argv) {
    return dmarcbox::run(argc, argv);
}
